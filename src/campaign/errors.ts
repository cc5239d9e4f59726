/** What is wrong with a campaign: its file, its folder, or its state. */
type CampaignErrorCode =
  | 'CAMPAIGN_FILE'
  | 'CAMPAIGN_FOLDER'
  | 'CAMPAIGN_JOURNAL'
  | 'CAMPAIGN_STATE'
  | 'CAMPAIGN_OBJECT'
  | 'CAMPAIGN_INDEX'
  | 'CAMPAIGN_QUEUE'
  | 'CAMPAIGN_PROOF'
  | 'CAMPAIGN_NUMA'
  | 'CAMPAIGN_SOURCE';

/** A campaign cannot be read, begun or continued; the message is one sentence that says why. */
export class CampaignError extends Error {
  override readonly name = 'CampaignError';

  constructor(
    readonly code: CampaignErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
