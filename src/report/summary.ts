import type { ResultSet, RunResult, ScenarioResult, Status } from './types.js';

/** All statuses, the gravest first: the status of a group is the first one that any member has. */
const STATUSES: readonly Status[] = ['fail', 'timeout', 'error', 'pass', 'skip'];

const BAD = new Set<Status>(['fail', 'timeout', 'error']);

/** How many results have each status, and what was checked, summed by kind. */
export interface Summary {
  counts: Record<Status, number>;
  checks: Record<string, number>;
  crashes: number;
  /** Kernels that behave otherwise than their version says, where --strict makes that a failure. */
  departures: number;
}

/** What of a set is summed up. */
export type Counted = Pick<ResultSet, 'scenarios' | 'crashed'> & Partial<Pick<ResultSet, 'policy'>>;

/** Whether a set fails for its policy alone: --strict was given, and its version means another. */
export const departs = ({ policy }: Partial<Pick<ResultSet, 'policy'>>): boolean => policy?.strict === true;

/** Sum up any number of sets. */
export function summarize(sets: readonly Counted[]): Summary {
  const counts = { pass: 0, fail: 0, skip: 0, error: 0, timeout: 0 };
  const checks: Record<string, number> = {};
  for (const scenario of sets.flatMap((set) => set.scenarios)) {
    counts[scenario.status] += 1;
    for (const [kind, n] of Object.entries(scenario.checks)) checks[kind] = (checks[kind] ?? 0) + n;
  }
  return {
    counts,
    checks,
    crashes: sets.filter((set) => set.crashed).length,
    departures: sets.filter(departs).length,
  };
}

/** The status of a group: the gravest of its members; a group without members was skipped. */
export function worst(results: readonly Pick<ScenarioResult, 'status'>[]): Status {
  const present = new Set(results.map((result) => result.status));
  return STATUSES.find((status) => present.has(status)) ?? 'skip';
}

/** Whether a status means that something is wrong. */
export const isBad = (status: Status): boolean => BAD.has(status);

/**
 * The process's exit status for a run: 0 something passed and nothing is wrong, 1 something is wrong
 * (a failure, an error, a timeout, a crash, results that end too early, or under --strict another policy than the version's), 4 nothing passed and nothing is wrong.
 */
export function exitStatus(run: Pick<RunResult, 'sets' | 'incomplete'>): 0 | 1 | 4 {
  const { counts, crashes, departures } = summarize(run.sets);
  if (run.incomplete) return 1;
  if (crashes + departures > 0 || counts.fail + counts.error + counts.timeout > 0) return 1;
  return counts.pass > 0 ? 0 : 4;
}

/** Group by family, in order of first appearance. */
export function byFamily<T extends Pick<ScenarioResult, 'family'>>(
  scenarios: readonly T[],
): Map<string, T[]> {
  const families = new Map<string, T[]>();
  for (const scenario of scenarios) {
    const members = families.get(scenario.family);
    if (members) members.push(scenario);
    else families.set(scenario.family, [scenario]);
  }
  return families;
}
