import { CampaignError } from '../errors.js';
import type { Objects } from '../store/objects.js';
import type { QueueServer } from './server/types.js';

/** Put files where workers, or the coordinator, can have them. */
export async function upload(
  server: QueueServer,
  objects: Objects,
  hashes: readonly string[],
): Promise<void> {
  for (const hash of hashes) if (!(await server.touch(hash))) await server.put(hash, objects.read(hash));
}

/**
 * Get files that are not here, or were damaged here.
 * @throws CampaignError CAMPAIGN_OBJECT if one is nowhere, or is not what its name says
 */
export async function download(
  server: QueueServer,
  objects: Objects,
  hashes: readonly string[],
): Promise<void> {
  for (const hash of hashes) {
    if (objects.isWhole(hash)) continue;
    const bytes = await server.get(hash);
    if (bytes === undefined)
      throw new CampaignError('CAMPAIGN_OBJECT', `${hash.slice(0, 12)} is not in the queue`);
    if (objects.put(bytes) !== hash)
      throw new CampaignError(
        'CAMPAIGN_OBJECT',
        `${hash.slice(0, 12)} in the queue is not what its name says`,
      );
  }
}
