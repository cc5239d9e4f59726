import { type CampaignReport, reportOf } from '../../../campaign/report/model.js';
import { Results } from '../../../campaign/report/read.js';
import type { CampaignFolder, SavedRun } from '../../../campaign/store/folder.js';

/** What a run of a campaign came to, and what it was read from. */
export interface LoadedReport {
  report: CampaignReport;
  run: SavedRun;
  results: Results;
}

/** The report of a run, held against those before it that came to an end. */
export function loadReport(folder: CampaignFolder, run: SavedRun): LoadedReport {
  const results = new Results(folder.objects);
  const earlier = folder
    .numbers()
    .filter((number) => number < run.number)
    .map((number) => folder.read(number).table)
    .filter(({ state }) => state === 'ended');
  return { report: reportOf(run, earlier, results), run, results };
}
