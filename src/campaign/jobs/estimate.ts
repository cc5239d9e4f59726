import type { Job } from './job.js';
import { buildOf, cellsOf, type Plan, type PlannedJob } from './plan.js';
import type { Table } from './table.js';

/** How long jobs of a kind took, where nothing better is known: seconds on a machine with two processors. */
const USUAL: Readonly<Record<Job['kind'], number>> = { build: 90, run: 90, fuzz: 60 };

/** What tells how long a job takes: the more of it is alike, the better. */
function likenesses(job: Job): string[] {
  if (job.kind === 'build') return [`build ${job.kernel}`, 'build'];
  const where = `${job.kind} ${job.engine}`;
  return [`${where} ${job.kernel} ${job.params.join(' ')}`, `${where} ${job.kernel}`, where];
}

class Means {
  readonly #sums = new Map<string, { seconds: number; count: number }>();

  add(key: string, seconds: number): void {
    const sum = this.#sums.get(key) ?? { seconds: 0, count: 0 };
    this.#sums.set(key, { seconds: sum.seconds + seconds, count: sum.count + 1 });
  }

  of(key: string): number | undefined {
    const sum = this.#sums.get(key);
    return sum && sum.seconds / sum.count;
  }
}

/** What a campaign is expected to take. */
export interface Estimate {
  jobs: number;
  /** Of one machine that does one job at a time. */
  seconds: number;
  /** Jobs whose like were done before. */
  known: number;
}

/** A kernel that is not built yet has jobs like those of its images. */
const UNBUILT = '0'.repeat(64);

function jobsOf(plan: Plan): PlannedJob[] {
  return plan.kernels.flatMap((kernel) => {
    const build = buildOf(plan, kernel);
    const { from } = kernel;
    const image = from.kind === 'host' ? null : from.kind === 'image' ? from.sha256 : UNBUILT;
    return [...(build ? [build] : []), ...cellsOf(plan, kernel, image).flatMap(({ jobs }) => jobs)];
  });
}

/** How long a campaign will take, by how long its like took before. */
export function estimate(plan: Plan, earlier: readonly Table[]): Estimate {
  const means = new Means();
  for (const { job, result } of earlier.flatMap((table) => [...table.jobs.values()]))
    if (result !== undefined) for (const key of likenesses(job)) means.add(key, result.seconds);
  let seconds = 0;
  let known = 0;
  const jobs = jobsOf(plan);
  for (const { job } of jobs) {
    const mean = likenesses(job)
      .map((key) => means.of(key))
      .find((found) => found !== undefined);
    if (mean !== undefined) known++;
    seconds += mean ?? USUAL[job.kind];
  }
  return { jobs: jobs.length, seconds, known };
}
