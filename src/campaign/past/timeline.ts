import { isBad } from '../../report/summary.js';
import type { Status } from '../../report/types.js';
import type { Entry, PastRun } from './history.js';

/** What a scenario came to on a kernel, run by run. */
export interface TimeLine {
  kernel: string;
  variant: string;
  scenario: string;
  /** By the runs' order; undefined where it was not run. */
  seen: readonly (readonly string[] | undefined)[];
  /** How many runs it failed in. */
  failed: number;
  /** The first of the runs in which it fails without a break up to the last that ran it. */
  since: PastRun | undefined;
}

const failsIn = (seen: readonly string[] | undefined): boolean =>
  seen?.some((status) => isBad(status as Status)) === true;

function sinceOf(seen: TimeLine['seen'], runs: readonly PastRun[]): PastRun | undefined {
  let since: PastRun | undefined;
  for (const [i, one] of seen.entries()) {
    if (one === undefined) continue;
    since = failsIn(one) ? (since ?? runs[i]) : undefined;
  }
  return since;
}

/** What scenarios came to, kernel by kernel and run by run; those that fail now first, those that failed most often before others. */
export function timeLines(runs: readonly PastRun[], entries: readonly Entry[]): TimeLine[] {
  const places = new Map(runs.map(({ number }, i) => [number, i]));
  const lines = new Map<string, { entry: Entry; seen: (readonly string[] | undefined)[] }>();
  for (const entry of entries) {
    const { number, kernel, variant, scenario } = entry;
    const key = [kernel, variant, scenario].join('\n');
    const line = lines.get(key) ?? { entry, seen: runs.map(() => undefined) };
    const at = places.get(number);
    if (at !== undefined) line.seen[at] = entry.seen;
    lines.set(key, line);
  }
  return [...lines.values()]
    .map(({ entry: { kernel, variant, scenario }, seen }) => ({
      ...{ kernel, variant, scenario, seen },
      failed: seen.filter(failsIn).length,
      since: sinceOf(seen, runs),
    }))
    .sort((a, b) => Number(b.since !== undefined) - Number(a.since !== undefined) || b.failed - a.failed);
}

const MARKS: Readonly<Record<string, string>> = { pass: '.', fail: 'F', timeout: 'T', error: 'E', skip: '-' };
/** Different in repetitions. */
const MIXED = '~';

/** What the signs of marks() mean. */
export const LEGEND = '. passed, F failed, E error, T timed out, - skipped, ~ differed in repetitions';

/** A sign for each run, the newest at the end. */
export const marks = (seen: TimeLine['seen'], most: number): string =>
  seen
    .slice(-most)
    .map((one) => (one === undefined ? ' ' : one.length > 1 ? MIXED : (MARKS[one[0] as string] ?? '?')))
    .join('');
