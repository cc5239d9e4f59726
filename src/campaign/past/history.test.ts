import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it, test } from 'vitest';
import { requireOrSkip } from '../../../test/require.js';
import { campaignFolder, never } from '../../../test/support/campaign.js';
import { addRun, askAll, askFiles, openIndex, threeRuns } from '../../../test/support/campaign-history.js';
import { Results } from '../report/read.js';
import { FileHistory, type History } from './history.js';
import { indexFile } from './open.js';
import { SafeHistory } from './safe-history.js';
import { openSqlite } from './sqlite.js';
import { marks, timeLines } from './timeline.js';

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

    const told = await askAll(await openIndex(folder));

    expect(told).toEqual(await askFiles(folder));
    expect(told.none).toEqual({ before: undefined, seen: new Map() });
    expect(told.runs.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(told.troubled.length).toBeGreaterThan(8);
    expect(told.entries.length).toBeGreaterThan(told.troubled.length);
  });

  it('follows what is added, and what is kept no longer', async (context) => {
    requireOrSkip(context, hasSqlite, 'better-sqlite3 is not built');
    const folder = await threeRuns();
    await askAll(await openIndex(folder));

    await addRun(folder, 4);

    const told = await askAll(await openIndex(folder));
    expect(told.runs.map(({ number }) => number)).toEqual([2, 3, 4]);
    expect(told).toEqual(await askFiles(folder));
  });

  it.for<[string, (file: string) => void | Promise<void>]>([
    ['is no database', (file: string) => writeFileSync(file, 'x'.repeat(5000))],
    ['is cut', (file: string) => writeFileSync(file, '')],
    ['is of another version', (file: string) => setVersion(file)],
  ])('that %s is made again', async ([, change], context) => {
    requireOrSkip(context, hasSqlite, 'better-sqlite3 is not built');
    const folder = await threeRuns();
    await askAll(await openIndex(folder));

    await change(indexFile(folder));

    expect(await askAll(await openIndex(folder))).toEqual(await askFiles(folder));
  });

  it('leaves a run out whose journal was damaged by now, as the files do, and says so', async (context) => {
    requireOrSkip(context, hasSqlite, 'better-sqlite3 is not built');
    const folder = await threeRuns();
    await askAll(await openIndex(folder));
    const said: string[] = [];

    appendFileSync(folder.journal(2), 'x\n');

    const told = await askAll(await openIndex(folder, (text) => said.push(text)));
    expect(told).toEqual(await askFiles(folder, (text) => said.push(text)));
    expect(told.runs.map(({ number }) => number)).toEqual([1, 3]);
    const why = expect.stringMatching(/^run 2 is left out: .* line \d+ is no record/);
    expect(said).toEqual([why, why]);
  });

  it('that cannot be written leaves the files, and says so', async (context) => {
    requireOrSkip(context, hasSqlite, 'better-sqlite3 is not built');
    const folder = await threeRuns();
    mkdirSync(indexFile(folder));
    const said: string[] = [];

    expect(await askAll(await openIndex(folder, (why) => said.push(why)))).toEqual(await askFiles(folder));

    expect(said).toEqual([expect.stringMatching(/^earlier runs are read .*index\.sqlite cannot be written/)]);
  });
});

it.each(['garbage', 'redis://:hunter2@localhost'])(
  'the URL of an index that is none leaves the files, and says so without it: %s',
  async (url) => {
    const folder = await threeRuns();
    const said: string[] = [];

    const told = await askAll(await openIndex(folder, (why, how) => said.push(`${how}: ${why}`), url));

    expect(told).toEqual(await askFiles(folder));
    expect(said).toEqual([expect.stringMatching(/^warn: .* the URL of the index is none such as/)]);
    expect(said[0]).not.toContain(url);
  },
);

it('an index that fails when it is asked leaves the files, and says so once', async () => {
  const folder = await threeRuns();
  const files = new FileHistory(folder, new Results(folder.objects), never);
  const gone = async (): Promise<never> => {
    throw new Error('the connection is gone');
  };
  const index: History = { past: gone, took: gone, runs: gone, entries: gone, close: gone };
  const failed: unknown[] = [];

  const told = await askAll(new SafeHistory(index, files, (error) => failed.push(error)));

  expect(told).toEqual(await askFiles(folder));
  expect(failed).toEqual([new Error('the connection is gone')]);
});

async function setVersion(file: string): Promise<void> {
  const database = await openSqlite(file);
  await database.all('UPDATE kvm_memtype_index SET version = 0');
  await database.all('DROP TABLE kvm_memtype_results');
  await database.close();
}

test('a campaign without earlier runs needs no index', async () => {
  const folder = campaignFolder();

  expect(await askAll(await openIndex(folder))).toMatchObject({ runs: [], entries: [] });
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
