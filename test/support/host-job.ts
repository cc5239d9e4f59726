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
