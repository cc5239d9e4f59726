import type { History } from '../../../campaign/past/history.js';
import { onceOnly, type Tell } from '../../../campaign/past/left-out.js';
import { type HistoryOptions, openHistory } from '../../../campaign/past/open.js';
import { type CampaignReport, reportOf } from '../../../campaign/report/model.js';
import { Results } from '../../../campaign/report/read.js';
import type { CampaignFolder, SavedRun } from '../../../campaign/store/folder.js';
import { log } from '../../terminal/log.js';

/** What a run of a campaign came to, and what it was read from. */
export interface LoadedReport {
  report: CampaignReport;
  run: SavedRun;
  results: Results;
}

/** Tell on stderr. */
export const tellLog: Tell = (text, how) => log()[how](text);

/** Ask what is known of the runs of a campaign that are over. */
export async function withHistory<T>(
  folder: CampaignFolder,
  o: Partial<Pick<HistoryOptions, 'before' | 'results' | 'url'>>,
  ask: (history: History) => Promise<T>,
): Promise<T> {
  const history = await openHistory({ folder, results: new Results(folder.objects), ...o, tell: tellLog });
  try {
    return await ask(history);
  } finally {
    await history.close();
  }
}

/**
 * The report of a run, held against those before it that came to an end.
 * @param url of the index, if it is in PostgreSQL
 */
export async function loadReport(
  folder: CampaignFolder,
  run: SavedRun,
  url: string | undefined,
): Promise<LoadedReport> {
  const results = new Results(folder.objects);
  const { number: before } = run;
  const past = await withHistory(folder, { before, results, url }, (history) => history.past(before));
  return { report: reportOf(run, past, results, onceOnly(tellLog)), run, results };
}
