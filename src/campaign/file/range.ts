import { spawnSync } from 'node:child_process';
import type { SeriesPatch } from '../../history/mails.js';
import { CampaignError } from '../errors.js';

/**
 * The commits of a range are applied to what is checked out in their tree, which must not have them by now.
 * @param first commit of the range
 * @throws CampaignError CAMPAIGN_FILE
 */
export function mustNotHave(tree: string, range: string, first: SeriesPatch | undefined): void {
  const commit = first?.commit;
  if (commit === undefined) return;
  const args = ['-C', tree, 'merge-base', '--is-ancestor', commit, 'HEAD'];
  if (spawnSync('git', args, { stdio: 'ignore' }).status !== 0) return;
  throw new CampaignError(
    'CAMPAIGN_FILE',
    `what is checked out in ${tree} has commits of ${range} already: check out what they are upon, ${commit.slice(0, 12)}^`,
  );
}
