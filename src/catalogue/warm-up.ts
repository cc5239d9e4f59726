import type { Scenario, Step } from '../scenario/types.js';

/** What of a step decides which code of the agent takes it. */
const WAYS = ['by', 'access', 'backing', 'size', 'op', 'of'] as const;

function kindOf(step: Step): string {
  const fields: Readonly<Record<string, unknown>> = { ...step };
  return [step.do, ...WAYS.map((way) => fields[way])].join(' ');
}

const kindsOf = ({ steps, msrMode }: Scenario): Set<string> => new Set([msrMode, ...steps.map(kindOf)]);

/**
 * A few short scenarios that have every kind of step that there is in all of them: those that bring most new kinds for their length
 * first. A machine that is saved has run these, so that V8 has compiled most of what a run takes.
 */
export function warmUpOf(scenarios: readonly Scenario[]): Scenario[] {
  const left = scenarios.map((scenario) => ({ scenario, kinds: kindsOf(scenario) }));
  const chosen: Scenario[] = [];
  const worth = ({ scenario, kinds }: (typeof left)[number]): number =>
    kinds.size / (scenario.steps.length + 1);
  for (;;) {
    left.sort((a, b) => worth(b) - worth(a));
    const [best] = left;
    if (best === undefined || best.kinds.size === 0) return chosen;
    chosen.push(best.scenario);
    const seen = [...best.kinds];
    for (const { kinds } of left) for (const kind of seen) kinds.delete(kind);
  }
}
