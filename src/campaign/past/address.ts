import { CampaignError } from '../errors.js';

const POSTGRES = /^postgres(?:ql)?:$/;

/** Whether it is the URL of a PostgreSQL. */
export const isPostgres = (text: string): boolean =>
  URL.canParse(text) && POSTGRES.test(new URL(text).protocol);

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
  const { host, pathname } = new URL(url);
  return `the index at postgres://${host}${pathname}`;
}
