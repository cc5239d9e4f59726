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
  /** The machines, where these are not alike: then the difference may be theirs. */
  machines: string[];
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
      machines: [],
    }));
}

/** What machine a result is from: that of the program, and what KVM found itself on. */
function machineOf(result: JobResult): string | undefined {
  if (result.kind === 'build') return undefined;
  const { host } = result.kind === 'run' ? result.run : result.fuzz;
  const set = result.kind === 'run' ? result.run.sets[0] : result.fuzz.kernel;
  const { cpu = 'unknown', microcode = '' } = set?.fingerprint ?? {};
  return [host?.cpu ?? 'unknown', host?.release ?? '', cpu, microcode].filter(Boolean).join(', ');
}

/** The machines of results, if there are several. */
function unlikeMachines(results: readonly JobResult[]): string[] {
  const machines = [...new Set(results.map(machineOf))].filter((machine) => machine !== undefined);
  return machines.length > 1 ? machines : [];
}

/** The same job has the same kernel, parameters, scenarios and program: only chance can make its results differ. */
function acrossRuns(state: JobState, earlier: readonly Table[], results: Results): Flaky[] {
  const { id, job, result } = state;
  if (result === undefined || job.kind === 'build') return [];
  const others = earlier.flatMap((table) => table.jobs.get(id)?.result ?? []);
  const unlike = others.filter(({ digest }) => digest !== result.digest);
  if (unlike.length === 0) return [];
  const seen = seenIn(results.read(result.object));
  const machines = unlikeMachines([result, ...unlike].map(({ object }) => results.read(object)));
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
    machines,
  }));
}

/** What gave different results for the same job, in repetitions or in earlier runs. */
export function flakyOf(table: Table, earlier: readonly Table[], results: Results): Flaky[] {
  return [...table.jobs.values()].flatMap((job) => {
    const own = inRepeats(job, results);
    return own.length > 0 ? own : acrossRuns(job, earlier, results);
  });
}
