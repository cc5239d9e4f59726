import type { ScenarioResult } from '../../report/types.js';
import { jobTitle } from '../jobs/job.js';
import type { JobResult } from '../jobs/result.js';
import type { JobState, Table } from '../jobs/table.js';
import type { Results } from './read.js';

/** A scenario, or random ones, that the same job gave different results for. */
export interface Flaky {
  job: string;
  scenario: string;
  /** What it came to, each once. */
  seen: string[];
  /** In repetitions within this run, or in an earlier run of the same job. */
  where: 'repeats' | 'runs';
}

const nameOf = ({ family, name }: ScenarioResult): string => `${family}/${name}`;

/** What each scenario of a result came to. */
function seenIn(result: JobResult): Map<string, Set<string>> {
  const seen = new Map<string, Set<string>>();
  if (result.kind === 'fuzz')
    seen.set(
      'random scenarios',
      new Set([
        result.fuzz.finds.length === 0 ? 'pass' : result.fuzz.finds.map(({ found }) => found).join(', '),
      ]),
    );
  if (result.kind === 'run')
    for (const one of result.run.sets.flatMap(({ scenarios }) => scenarios))
      seen.set(nameOf(one), (seen.get(nameOf(one)) ?? new Set()).add(one.status));
  return seen;
}

function inRepeats({ job, result }: JobState, results: Results): Flaky[] {
  if (job.kind !== 'run' || job.repeat === 1 || result === undefined) return [];
  return [...seenIn(results.read(result.object))]
    .filter(([, seen]) => seen.size > 1)
    .map(([scenario, seen]) => ({
      job: jobTitle(job),
      scenario,
      seen: [...seen],
      where: 'repeats' as const,
    }));
}

/** The same job has the same kernel, parameters, scenarios and program: only chance can make its results differ. */
function acrossRuns(state: JobState, earlier: readonly Table[], results: Results): Flaky[] {
  const { id, job, result } = state;
  if (result === undefined || job.kind === 'build') return [];
  const others = earlier.flatMap((table) => table.jobs.get(id)?.result ?? []);
  const unlike = others.filter(({ digest }) => digest !== result.digest);
  if (unlike.length === 0) return [];
  const seen = seenIn(results.read(result.object));
  const found = new Map<string, Set<string>>();
  for (const other of unlike)
    for (const [scenario, statuses] of seenIn(results.read(other.object))) {
      const all = new Set([...(seen.get(scenario) ?? []), ...(found.get(scenario) ?? []), ...statuses]);
      if (all.size > 1) found.set(scenario, all);
    }
  return [...found].map(([scenario, all]) => ({
    job: jobTitle(job),
    scenario,
    seen: [...all],
    where: 'runs' as const,
  }));
}

/** What gave different results for the same job, in repetitions or in earlier runs. */
export function flakyOf(table: Table, earlier: readonly Table[], results: Results): Flaky[] {
  return [...table.jobs.values()].flatMap((job) => {
    const own = inRepeats(job, results);
    return own.length > 0 ? own : acrossRuns(job, earlier, results);
  });
}
