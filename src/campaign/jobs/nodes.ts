import { readdirSync } from 'node:fs';
import { CampaignError } from '../errors.js';

/** Where Linux tells of a machine's NUMA nodes: Documentation/ABI/stable/sysfs-devices-node. */
const NODES = '/sys/devices/system/node';

/** How many NUMA nodes this machine has: one, where the kernel knows nothing of them. */
function nodesIn(folder: string): number {
  try {
    return Math.max(1, readdirSync(folder).filter((name) => /^node\d+$/.test(name)).length);
  } catch {
    return 1;
  }
}

/**
 * Refuse what needs several NUMA nodes on a machine with one.
 * @throws CampaignError CAMPAIGN_NUMA
 */
export function checkNodes(folder = NODES): void {
  if (nodesIn(folder) > 1) return;
  throw new CampaignError(
    'CAMPAIGN_NUMA',
    'this machine has one NUMA node: jobs of the label numa need a machine with several',
  );
}
