import { sweepCache } from './cache.js';
import { sweepScratch } from './scratch.js';

/** Remove what runs that were killed left behind: scratch directories, half-filled cache entries. */
export async function sweepLab(): Promise<void> {
  sweepScratch();
  await sweepCache();
}
