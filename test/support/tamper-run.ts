import { judge, passes } from '../../src/check/judge.js';
import type { Policy } from '../../src/memtype/index.js';
import type { Environment, Recording } from '../../src/recording/recording.js';
import type { Scenario } from '../../src/scenario/types.js';
import { type Harmless, harmless } from './harmless.js';
import { type Bits, type Tampered, tamper } from './tamper.js';

/** What became of tampered recordings. */
export interface TamperCount {
  /** How many there were. */
  tampered: number;
  /** How many did not pass. */
  noticed: number;
  /** How many passed, by the reason why that is harmless. */
  harmless: Map<Harmless, number>;
  /** Those that passed without a reason. */
  missed: string[];
}

export const noTampers = (): TamperCount => ({ tampered: 0, noticed: 0, harmless: new Map(), missed: [] });

interface TamperOptions {
  policy: Policy;
  env: Environment;
  /** Where it is added up. */
  count: TamperCount;
  bits?: Bits;
  most?: number;
}

/** Tampered recordings of one scenario that are judged at most: those of long walks take minutes, and are much alike. */
const MOST = 1_000;

/** Whether number `i` of `all` is among those that are judged: some of each sort, as what is alike comes at regular distances. */
const isChosen = (i: number, all: number, most: number): boolean =>
  all <= most || Math.imul(i, 0x9e37_79b1) >>> 0 < (most / all) * 2 ** 32;

function countOf(all: Iterable<unknown>): number {
  let count = 0;
  for (const _ of all) count++;
  return count;
}

/** Every how many-th recording is judged to its end too. */
const TO_THE_END = 16;

/** Whether a recording passes, where nothing but the first fault is looked for, as for the judge that gets to the end. */
function isPass({ recording }: Tampered, scenario: Scenario, i: number, o: TamperOptions): boolean {
  const passed = passes(scenario, recording, o.policy, o.env);
  if (i % TO_THE_END === 0 && (judge(scenario, recording, o.policy, o.env).status === 'pass') !== passed)
    throw new Error(`judge() and passes() differ on ${scenario.name}`);
  return passed;
}

/** Judge recordings that differ from this one in a single thing, all unless there are very many, and add up what became of them. */
export function tamperAll(
  scenario: Scenario,
  recording: Extract<Recording, { outcome: 'ran' }>,
  o: TamperOptions,
): void {
  const { count, env, most = MOST } = o;
  const all = countOf(tamper(recording, o.bits));
  let i = 0;
  for (const tampered of tamper(recording, o.bits)) {
    if (!isChosen(i++, all, most)) continue;
    if (!isPass(tampered, scenario, count.tampered++, o)) {
      count.noticed++;
      continue;
    }
    const reason = harmless({ env, scenario, tampered });
    if (reason === undefined) count.missed.push(`${scenario.name}, step ${tampered.step}: ${tampered.kind}`);
    else count.harmless.set(reason, (count.harmless.get(reason) ?? 0) + 1);
  }
}

/** The figures in lines of text. */
export const tamperText = ({ tampered, noticed, harmless: passed }: TamperCount): string =>
  [
    `${tampered} tampered recordings, ${noticed} noticed, ${tampered - noticed} harmless:`,
    ...[...passed].map(([{ reason }, n]) => `  ${n}: ${reason}`),
  ].join('\n');
