import { SCENARIO_DEFAULTS } from '../scenario/builder.js';
import type { Scenario, Step } from '../scenario/types.js';
import { legal } from './legal.js';

const withSteps = (scenario: Scenario, steps: readonly Step[]): Scenario => ({ ...scenario, steps });

/** The steps without each chunk of a length. */
const withoutChunks = (scenario: Scenario, length: number): Scenario[] =>
  Array.from({ length: Math.ceil(scenario.steps.length / length) }, (_, i) =>
    withSteps(scenario, [...scenario.steps.slice(0, i * length), ...scenario.steps.slice((i + 1) * length)]),
  );

/** The guest as any other is, where it is not. */
function plainer(scenario: Scenario): Scenario[] {
  const { hugeRam, startCd, maxphyaddr } = SCENARIO_DEFAULTS;
  const steps = scenario.steps.map((step) => ('vcpu' in step ? { ...step, vcpu: 0 } : step));
  const changes = [{ hugeRam }, { startCd }, { maxphyaddr }, { vcpus: 1 }, { vcpus: 1, steps }];
  return changes.map((change) => ({ ...scenario, ...change }));
}

/** How much of a scenario there is to read. */
const sizeOf = ({ steps, vcpus, hugeRam, startCd, maxphyaddr }: Scenario): number =>
  steps.length * 10 +
  vcpus +
  Number(hugeRam) +
  Number(startCd) +
  Number(maxphyaddr !== SCENARIO_DEFAULTS.maxphyaddr);

/** Half of a number, half of that, and so on to 1. */
const halvings = (n: number): number[] => (n <= 1 ? [] : [Math.ceil(n / 2), ...halvings(Math.ceil(n / 2))]);

/**
 * Every simpler scenario that is one cut away, the simplest first: run side by side, they cost one boot. A cut takes a run of steps
 * from a half to a single one, or makes the guest as guests usually are.
 */
export function cuts(scenario: Scenario): Scenario[] {
  const lengths = halvings(scenario.steps.length);
  const made = [...lengths.flatMap((length) => withoutChunks(scenario, length)), ...plainer(scenario)];
  const kept = made.flatMap((one) => legal(one) ?? []).filter((one) => sizeOf(one) < sizeOf(scenario));
  const unlike = new Map(
    kept.map((one) => [JSON.stringify(one, (_, v) => (typeof v === 'bigint' ? `${v}n` : v)), one]),
  );
  return [...unlike.values()].sort((a, b) => sizeOf(a) - sizeOf(b));
}

/** The steps that all of the given scenarios left in place, of the one that they are cuts of: the next thing to try. */
function together(scenario: Scenario, failing: readonly Scenario[]): Scenario | undefined {
  const steps = scenario.steps.filter((step) => failing.every((one) => one.steps.includes(step)));
  return steps.length < scenario.steps.length ? legal(withSteps(scenario, steps)) : undefined;
}

/**
 * The simplest scenario that fails in the same way.
 * @param fails runs scenarios, and answers which of them do
 * @param rounds how often it may be asked
 */
export async function shrink(
  scenario: Scenario,
  fails: (candidates: readonly Scenario[]) => Promise<readonly Scenario[]>,
  rounds: number,
): Promise<Scenario> {
  let best = scenario;
  let next = cuts(best);
  for (let round = 0; round < rounds && next.length > 0; round++) {
    const failing = await fails(next);
    const [simplest] = [...failing].sort((a, b) => sizeOf(a) - sizeOf(b));
    if (simplest === undefined) return best;
    const all = together(best, failing);
    best = simplest;
    const more = all !== undefined && sizeOf(all) < sizeOf(best) ? [all] : [];
    next = [...more, ...more.flatMap(cuts), ...cuts(best)];
  }
  return best;
}
