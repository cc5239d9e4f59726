import { CampaignError } from '../errors.js';
import type { Table } from '../jobs/table.js';
import { type CampaignFolder, isUnderWay, type SavedRun } from '../store/folder.js';

/** How long a process may take to stop its jobs. */
const CANCEL_MS = 20_000;

/** Stops what a run has in its queue. */
export type StopQueued = (table: Table) => Promise<void>;

/** What of a run's jobs is in a queue is stopped there, also where that could not be done before. */
async function stopJobs({ number, table }: SavedRun, path: string, stop: StopQueued | undefined) {
  if (table.queue === undefined) return;
  if (stop !== undefined) return stop(table);
  throw new CampaignError(
    'CAMPAIGN_STATE',
    `run ${number} in ${path} has jobs in the queue at ${table.queue}: --queue stops them, --no-queue leaves them`,
  );
}

/**
 * End the last run of a campaign for good: the process that runs it, if one does, stops its jobs. A run that is cancelled already
 * may still have jobs in a queue that was not named then: they are stopped.
 * @param stop undefined if no queue was named
 * @throws CampaignError if it is over, does not stop, or its queue is not known; it is not cancelled then
 */
export async function cancelRun(folder: CampaignFolder, stop?: StopQueued): Promise<SavedRun> {
  const before = folder.last();
  const { number, table } = before;
  if (table.state === 'cancelled' && table.queue !== undefined && stop !== undefined) {
    await stop(table);
    return before;
  }
  if (table.state !== 'open')
    throw new CampaignError('CAMPAIGN_STATE', `run ${number} in ${folder.path} is over already`);
  if (isUnderWay(table)) folder.askToCancel();
  return folder.hold(async () => {
    folder.tidy();
    const after = folder.read(number);
    if (after.table.state !== 'open') return after;
    await stopJobs(after, folder.path, stop);
    folder.note(after, { type: 'cancelled', at: Date.now() });
    return after;
  }, CANCEL_MS);
}
