import { sweepCache } from './cache.js';
import { sweepSnapshots } from './machine/snapshot/store.js';
import { sweepScratch } from './scratch.js';

/** Remove what runs that were killed left behind: scratch directories, half-filled cache entries. */
export async function sweepLab(): Promise<void> {
  sweepScratch();
  sweepSnapshots();
  await sweepCache();
}
