import type { JobResult, Order } from '../../src/campaign/jobs/result.js';
import { FileHistory, type History } from '../../src/campaign/past/history.js';
import type { Tell } from '../../src/campaign/past/left-out.js';
import { openHistory } from '../../src/campaign/past/open.js';
import { Results } from '../../src/campaign/report/read.js';
import { beginRun } from '../../src/campaign/run/conduct.js';
import type { CampaignFolder } from '../../src/campaign/store/folder.js';
import {
  BUILD,
  campaignFolder,
  conductOf,
  fuzzResultOf,
  hashOf,
  IMAGE,
  never,
  planOfKernels,
  runResultOf,
  simulated,
} from './campaign.js';
import { scenarios } from './results.js';

// Campaigns with several runs, and all that can be asked about these.

const PLAN = planOfKernels(
  [IMAGE('a', '1'), IMAGE('b', '1'), BUILD('c')],
  'parameters: {default: [], legacy: [kvm.tdp_mmu=N]}\nrepeat: 2\nfuzz: {seeds: [7, 8], count: 10}\nretention: 3',
);
const PASS = { ...scenarios.fail, status: 'pass' as const, failures: [] };
const FIND = {
  kind: 'leaf',
  times: 1,
  found: 'fuzz/s7-1',
  scenario: '{}',
  result: { ...scenarios.fail, family: 'fuzz', name: 'n0' },
};

/** What a job comes to in the run of a number: 2 fails, 3 differs in itself. */
const resultOf =
  (number: number) =>
  ({ job }: Order): JobResult => {
    if (job.kind === 'build') return { kind: 'build', image: hashOf('a'), label: job.kernel };
    if (job.kind === 'fuzz') return fuzzResultOf(number === 2 && job.seed === 7 ? [FIND] : []);
    if (job.params.length === 0 || number === 1) return runResultOf(PASS, scenarios.pass, scenarios.skip);
    return runResultOf(scenarios.fail, number === 3 ? PASS : scenarios.fail, scenarios.skip);
  };

/** Add a run. */
export const addRun = (folder: CampaignFolder, number: number) =>
  beginRun(folder, PLAN, conductOf(simulated(resultOf(number))));

/** A campaign's folder with three runs. */
export async function threeRuns(): Promise<CampaignFolder> {
  const folder = campaignFolder();
  for (const number of [1, 2, 3]) await addRun(folder, number);
  return folder;
}

/** Its history, from an index: `tell` is told if there is none. */
export const openIndex = (folder: CampaignFolder, tell: Tell = never, url?: string) =>
  openHistory({ folder, results: new Results(folder.objects), tell, url });

/** All that can be asked, in an order that does not matter. */
export async function askAll(history: History) {
  const [past, none] = [await history.past(3), await history.past(1)];
  const took = new Map<string, number>();
  for (const { likeness, count } of await history.took())
    took.set(likeness, (took.get(likeness) ?? 0) + count);
  const sorted = <T>(rows: readonly T[]): string[] => rows.map((row) => JSON.stringify(row)).sort();
  const answer = {
    none,
    before: sorted([...(past.before ?? [])]),
    seen: sorted([...past.seen].flatMap(([job, own]) => own.map(({ digest }) => [job, digest]))),
    took: sorted([...took]),
    runs: await history.runs(),
    troubled: sorted(await history.entries({ all: false })),
    entries: sorted(await history.entries({ all: true })),
  };
  await history.close();
  return answer;
}

/** The same, as the files have it. */
export const askFiles = (folder: CampaignFolder, tell: Tell = never) =>
  askAll(new FileHistory(folder, new Results(folder.objects), tell));
