import { appendFileSync, chmodSync, writeFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { requireOrSkip } from '../../../test/require.js';
import {
  BUILD,
  campaignFolder,
  conductOf,
  fuzzResultOf,
  hashOf,
  IMAGE,
  planOfKernels,
  runResultOf,
  simulated,
} from '../../../test/support/campaign.js';
import { scenarios } from '../../../test/support/results.js';
import type { JobResult, Order } from '../jobs/result.js';
import { Results } from '../report/read.js';
import { beginRun } from '../run/conduct.js';
import type { CampaignFolder } from '../store/folder.js';
import { FileHistory, type History } from './history.js';
import { indexFile, openHistory } from './open.js';
import { openSqlite } from './sqlite.js';
import { marks, timeLines } from './timeline.js';

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

const addRun = (folder: CampaignFolder, number: number) =>
  beginRun(folder, PLAN, conductOf(simulated(resultOf(number))));

/** A campaign's folder with three runs. */
async function threeRuns(): Promise<CampaignFolder> {
  const folder = campaignFolder();
  for (const number of [1, 2, 3]) await addRun(folder, number);
  return folder;
}

const never = (why: string): never => {
  throw new Error(why);
};

const open = (folder: CampaignFolder, tell: (why: string) => void = never) =>
  openHistory({ folder, results: new Results(folder.objects), tell });

/** All that can be asked, in an order that does not matter. */
async function all(history: History) {
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

const ofFiles = (folder: CampaignFolder) => all(new FileHistory(folder, new Results(folder.objects)));

/** Whether better-sqlite3 is built for this Node.js. */
const hasSqlite = await openSqlite(':memory:').then(
  (database) => database.close().then(() => true),
  () => false,
);

describe('an index', () => {
  it('tells what the files tell', async (context) => {
    requireOrSkip(
      context,
      hasSqlite,
      'better-sqlite3 is not built: node scripts/campaign/sqlite.mjs does that',
    );
    const folder = await threeRuns();

    const told = await all(await open(folder));

    expect(told).toEqual(await ofFiles(folder));
    expect(told.none).toEqual({ before: undefined, seen: new Map() });
    expect(told.runs.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(told.troubled.length).toBeGreaterThan(8);
    expect(told.entries.length).toBeGreaterThan(told.troubled.length);
  });

  it('follows what is added, and what is kept no longer', async (context) => {
    requireOrSkip(context, hasSqlite, 'better-sqlite3 is not built');
    const folder = await threeRuns();
    await all(await open(folder));

    await addRun(folder, 4);

    const told = await all(await open(folder));
    expect(told.runs.map(({ number }) => number)).toEqual([2, 3, 4]);
    expect(told).toEqual(await ofFiles(folder));
  });

  it.each([
    ['is no database', (file: string) => writeFileSync(file, 'x'.repeat(5000))],
    ['is cut', (file: string) => writeFileSync(file, '')],
    ['is of another version', (file: string) => setVersion(file)],
  ])('that %s is made again', async (_, change) => {
    if (!hasSqlite) return;
    const folder = await threeRuns();
    await all(await open(folder));

    await change(indexFile(folder));

    expect(await all(await open(folder))).toEqual(await ofFiles(folder));
  });

  it('is not trusted where a journal is another by now', async (context) => {
    requireOrSkip(context, hasSqlite, 'better-sqlite3 is not built');
    const folder = await threeRuns();
    await all(await open(folder));

    appendFileSync(folder.journal(2), 'x\n');

    await expect(open(folder)).rejects.toThrow(/line \d+ is no record/);
  });

  it.runIf(process.getuid?.() !== 0)('that cannot be written leaves the files', async () => {
    const folder = await threeRuns();
    chmodSync(folder.path, 0o500);
    const said: string[] = [];

    expect(await all(await open(folder, (why) => said.push(why)))).toEqual(await ofFiles(folder));

    expect(said).toEqual([expect.stringContaining('earlier runs are read from all their files')]);
  });
});

async function setVersion(file: string): Promise<void> {
  const database = await openSqlite(file);
  await database.all('UPDATE kvm_memtype_index SET version = 0');
  await database.all('DROP TABLE kvm_memtype_results');
  await database.close();
}

test('a campaign without earlier runs needs no index', async () => {
  const folder = campaignFolder();

  expect(await all(await open(folder))).toMatchObject({ runs: [], entries: [] });
});

test('a line tells since when a scenario fails, and how it was in each run', () => {
  const runs = [1, 2, 3, 4].map((number) => ({ number, tool: 't', startedAt: number }));
  const entry = (number: number, scenario: string, ...seen: string[]) => ({
    ...{ number, kernel: 'a', variant: 'default', scenario, seen },
  });

  const lines = timeLines(runs, [
    ...[1, 3, 4].map((number) => entry(number, 'a/mended', number === 1 ? 'fail' : 'pass')),
    ...[1, 2, 4].map((number) => entry(number, 'a/broken', number === 1 ? 'pass' : 'timeout')),
    entry(4, 'a/shaky', 'fail', 'pass'),
  ]);

  expect(
    lines.map(({ scenario, seen, failed, since }) => [scenario, marks(seen, 3), failed, since?.number]),
  ).toEqual([
    ['a/broken', 'T T', 2, 2],
    ['a/shaky', '  ~', 1, 4],
    ['a/mended', ' ..', 1, undefined],
  ]);
});
