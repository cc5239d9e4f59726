import { CampaignError } from '../errors.js';
import { parseQueueUrl, publicUrl } from '../queue/server/address.js';

/** Whether it is the URL of a PostgreSQL. */
export const isPostgres = (text: string): boolean => parseQueueUrl(text)?.kind === 'postgres';

/**
 * What people are told of an index in PostgreSQL: nothing that is secret.
 * @throws CampaignError CAMPAIGN_INDEX if it is no URL of one
 */
export function addressOf(url: string): string {
  if (!isPostgres(url))
    throw new CampaignError(
      'CAMPAIGN_INDEX',
      'the URL of the index is none such as postgres://host/database',
    );
  return `the index at ${publicUrl(url)}`;
}
