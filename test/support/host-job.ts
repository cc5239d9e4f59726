import type { Job } from '../../src/campaign/jobs/job.js';

/** A job of one random scenario, for a machine's own KVM. */
export const hostJob = (seed: number, needs?: 'numa'): Job => ({
  kind: 'fuzz',
  kernel: 'this host',
  image: null,
  engine: 'host',
  ...(needs && { needs }),
  params: [],
  policy: 'auto',
  timeout: 300,
  seed,
  count: 1,
  subjects: [],
});

/** The same on an image in the lab. */
export const labJob = (image: string): Job => ({ ...hostJob(1), engine: 'bochs', image }) as Job;
