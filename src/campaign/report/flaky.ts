import { jobTitle } from '../jobs/job.js';
import type { JobResult } from '../jobs/result.js';
import type { JobState, Table } from '../jobs/table.js';
import { orLeftOut, type Tell } from '../past/left-out.js';
import type { Outcomes } from '../past/outcomes.js';
import type { Past } from '../past/past.js';
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

function inRepeats({ job, result }: JobState, outcomes: Outcomes): Flaky[] {
  if (job.kind !== 'run' || job.repeat === 1 || result === undefined) return [];
  return outcomes
    .of(job.kind, result)
    .filter(({ seen }) => seen.length > 1)
    .map(({ scenario, seen }) => ({
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

/** What results of other digests are judged with. */
interface Evidence {
  past: Past;
  outcomes: Outcomes;
  results: Results;
  /** Told of earlier results that cannot be read. */
  tell: Tell;
}

/** The same job has the same kernel, parameters, scenarios and program: only chance can make its results differ. */
function acrossRuns({ id, job, result }: JobState, { past, outcomes, results, tell }: Evidence): Flaky[] {
  if (result === undefined || job.kind === 'build') return [];
  const isThere = (object: string): boolean =>
    orLeftOut(`an earlier result of ${jobTitle(job)}`, () => results.read(object), tell) !== undefined;
  const unlike = (past.seen.get(id) ?? []).filter(
    ({ digest, object }) => digest !== result.digest && isThere(object),
  );
  if (unlike.length === 0) return [];
  const machines = unlikeMachines([result, ...unlike].map(({ object }) => results.read(object)));
  const found = new Map<string, Set<string>>();
  for (const done of [result, ...unlike])
    for (const { scenario, seen } of outcomes.of(job.kind, done))
      found.set(scenario, new Set([...(found.get(scenario) ?? []), ...seen]));
  return [...found]
    .filter(([, all]) => all.size > 1)
    .map(([scenario, all]) => ({
      job: jobTitle(job),
      scenario,
      seen: [...all],
      where: 'runs' as const,
      machines,
    }));
}

/** What gave different results for the same job, in repetitions or in earlier runs. */
export function flakyOf(table: Table, evidence: Evidence): Flaky[] {
  return [...table.jobs.values()].flatMap((job) => {
    const own = inRepeats(job, evidence.outcomes);
    return own.length > 0 ? own : acrossRuns(job, evidence);
  });
}
