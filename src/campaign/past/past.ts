import { isBad } from '../../report/summary.js';
import type { Status } from '../../report/types.js';
import type { Table } from '../jobs/table.js';
import type { Results } from '../report/read.js';
import type { SavedRun } from '../store/folder.js';
import type { Done } from '../store/records.js';
import { orLeftOut, type Tell } from './left-out.js';
import { Outcomes } from './outcomes.js';

/** What earlier runs came to, as far as a run is held against them. */
export interface Past {
  /** The gravest that any repetition of each scenario came to in the run before, by its place; undefined if there is none. */
  before: ReadonlyMap<string, Status> | undefined;
  /** Results that jobs had, by the jobs' ids: one of those that came to the same. */
  seen: ReadonlyMap<string, readonly Pick<Done, 'digest' | 'object'>[]>;
}

/** Of a first run. */
export const NO_PAST: Past = { before: undefined, seen: new Map() };

/** A scenario of a cell, as the run before and this one name it. */
export const placeOf = (kernel: string, variant: string, scenario: string): string =>
  `${kernel}, ${variant}: ${scenario}`;

/** The gravest that any repetition of each scenario came to, by its place; random ones aside. */
export function statusesOf({ kernels, jobs }: Table, outcomes: Outcomes): Map<string, Status> {
  const found = new Map<string, Status>();
  for (const { kernel, variant, jobs: own } of kernels.flatMap(({ cells }) => cells))
    for (const { id, job } of own) {
      const done = job.kind === 'run' ? jobs.get(id)?.result : undefined;
      if (done === undefined) continue;
      for (const { scenario, seen } of outcomes.of(job.kind, done)) {
        const place = placeOf(kernel, variant, scenario);
        const before = found.get(place);
        if (before === undefined || !isBad(before)) found.set(place, seen[0] as Status);
      }
    }
  return found;
}

/** Of the newest run whose results can be read. */
function statusesBefore(earlier: readonly SavedRun[], results: Results, tell: Tell): Past['before'] {
  for (const { number, table } of earlier.toReversed()) {
    const read = () => statusesOf(table, new Outcomes(results));
    const statuses = orLeftOut(`run ${number}`, read, tell);
    if (statuses !== undefined) return statuses;
  }
  return undefined;
}

/**
 * What runs came to.
 * @param earlier the newest last
 * @param tell told of what cannot be read
 */
export function pastOf(earlier: readonly SavedRun[], results: Results, tell: Tell): Past {
  const seen = new Map<string, Pick<Done, 'digest' | 'object'>[]>();
  for (const { id, result } of earlier.flatMap(({ table }) => [...table.jobs.values()])) {
    if (result === undefined) continue;
    const own = seen.get(id);
    if (own === undefined) seen.set(id, [result]);
    else if (!own.some(({ digest }) => digest === result.digest)) own.push(result);
  }
  return { before: statusesBefore(earlier, results, tell), seen };
}
