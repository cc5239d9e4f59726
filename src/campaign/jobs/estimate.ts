import type { Job } from './job.js';
import { broader, type Likeness, likenessOf } from './likeness.js';
import { buildOf, cellsOf, type Plan, type PlannedJob } from './plan.js';
import type { Table } from './table.js';

/** How long jobs of a kind took, where nothing better is known: seconds on a machine with two processors. */
const USUAL: Readonly<Record<Job['kind'], number>> = { build: 90, run: 90, fuzz: 60 };

/** A lab's clock has about the pace of its host's; what is known of earlier jobs is nearer. */
const usual = (job: Job): number => USUAL[job.kind] + ((job.kind === 'fuzz' && job.time) || 0);

/** How long jobs took that are alike. */
export interface Took {
  likeness: Likeness;
  count: number;
  /** Of all of them. */
  seconds: number;
}

/** How long the jobs of runs took. */
export const tookOf = (tables: readonly Table[]): Took[] =>
  tables
    .flatMap((table) => [...table.jobs.values()])
    .flatMap(({ job, result }) =>
      result === undefined ? [] : [{ likeness: likenessOf(job), count: 1, seconds: result.seconds }],
    );

/** Means by likeness, narrow and broad. */
function meansOf(took: readonly Took[]): (likeness: Likeness) => number | undefined {
  const sums = new Map<Likeness, { seconds: number; count: number }>();
  for (const { likeness, seconds, count } of took)
    for (const key of broader(likeness)) {
      const sum = sums.get(key) ?? { seconds: 0, count: 0 };
      sums.set(key, { seconds: sum.seconds + seconds, count: sum.count + count });
    }
  return (likeness) => {
    const sum = sums.get(broader(likeness).find((key) => sums.has(key)) ?? '');
    return sum && sum.seconds / sum.count;
  };
}

/** What a campaign is expected to take. */
export interface Estimate {
  jobs: number;
  /** Of one machine that does one job at a time. */
  seconds: number;
  /** Jobs whose like were done before. */
  known: number;
}

/**
 * The jobs of a campaign, each once: kernels that are one image share theirs. A kernel that is not built yet has jobs like those of its image,
 * which its build stands for.
 */
export function plannedJobs(plan: Plan): PlannedJob[] {
  const jobs = plan.kernels.flatMap((kernel) => {
    const build = buildOf(plan, kernel);
    const { from } = kernel;
    const image = from.kind === 'image' ? from.sha256 : (build?.id ?? null);
    return [...(build ? [build] : []), ...cellsOf(plan, kernel, image).flatMap((cell) => cell.jobs)];
  });
  return [...new Map(jobs.map((job) => [job.id, job])).values()];
}

/** How long a campaign will take, by how long its like took before. */
export function estimate(plan: Plan, took: readonly Took[]): Estimate {
  const meanOf = meansOf(took);
  let seconds = 0;
  let known = 0;
  const jobs = plannedJobs(plan);
  for (const { job } of jobs) {
    const mean = meanOf(likenessOf(job));
    if (mean !== undefined) known++;
    seconds += mean ?? usual(job);
  }
  return { jobs: jobs.length, seconds, known };
}
