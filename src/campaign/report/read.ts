import { CampaignError } from '../errors.js';
import { type JobResult, jobResult } from '../jobs/result.js';
import type { Objects } from '../store/objects.js';

/** Most results that are kept in memory: a report needs few of them twice. */
const MOST_KEPT = 1000;

/** Reads results by their hashes. */
export class Results {
  readonly #known = new Map<string, JobResult>();

  constructor(private readonly objects: Objects) {}

  /** @throws CampaignError CAMPAIGN_OBJECT if it is not there, or is none */
  read(hash: string): JobResult {
    const known = this.#known.get(hash);
    if (known !== undefined) return known;
    const parsed = jobResult.safeParse(this.objects.readJson(hash));
    if (!parsed.success)
      throw new CampaignError(
        'CAMPAIGN_OBJECT',
        `${this.objects.path(hash)} holds no result: ${parsed.error.issues[0]?.path.join('.')}: ${parsed.error.issues[0]?.message}`,
      );
    if (this.#known.size < MOST_KEPT) this.#known.set(hash, parsed.data);
    return parsed.data;
  }
}
