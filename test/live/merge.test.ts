/** @module-tag kvm */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ResultSet, RunResult } from '../../src/report/types.js';
import { patiently } from '../patience.js';
import { runCli } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'merge-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SHARDS = [1, 2, 3, 4];
const WHAT = ['msr', 'pat', 'dma/probe'];

/** Without what is another each time. */
function settled(json: string): Partial<ResultSet>[] {
  const { sets } = JSON.parse(json) as RunResult;
  return sets.map(({ durationMs: _, planned: __, scenarios, ...set }) => ({
    ...set,
    scenarios: scenarios.map((scenario) => ({ ...scenario, durationMs: 0 })),
  }));
}

const fileOf = (name: string | number, kind: string): string => join(folder, `${name}.${kind}`);

beforeAll(async () => {
  await runCli(['run', ...WHAT, '--output', fileOf('whole', 'json')]);
  for (const i of SHARDS) {
    const outputs = ['--output', fileOf(i, 'json'), '--record', fileOf(i, 'kmr')];
    await runCli(['run', ...WHAT, '--shard', `${i}/4`, ...outputs]);
  }
}, patiently(120_000));

it.each(['json', 'kmr'])('four shards (%s) merged give the same as one run', async (kind) => {
  const files = SHARDS.map((i) => fileOf(i, kind));

  const { status, stdout } = await runCli(['merge', ...files, '--format', 'json']);

  expect(status).toBe(0);
  expect(settled(stdout)).toEqual(settled(readFileSync(fileOf('whole', 'json'), 'utf8')));
});

it('refuses one shard twice, and a file that is not there', async () => {
  const twice = await runCli(['merge', join(folder, '1.json'), join(folder, '1.json')]);
  expect(twice).toMatchObject({ status: 2, stderr: expect.stringMatching(/ is in .*1\.json and in /) });
  const missing = await runCli(['merge', join(folder, 'none.json')]);
  expect(missing).toMatchObject({ status: 2, stderr: expect.stringMatching(/there is no such file/) });
});

it('a page is made of a folder of results and recordings, and of nothing else', async () => {
  const page = join(folder, 'page.html');
  const { status } = await runCli(['report', folder, '--output', page]);
  const text = readFileSync(page, 'utf8');

  expect([0, 4]).toContain(status);
  expect(text).toContain('What changed when');
  expect(text).toContain('msr/');
  const other = await runCli(['report', folder, '--format', 'ktap']);
  expect(other).toMatchObject({ status: 2, stderr: expect.stringMatching(/of which only HTML is made/) });
  const empty = await runCli(['report', mkdtempSync(join(folder, 'empty-')), '--format', 'html']);
  expect(empty).toMatchObject({ status: 2, stderr: expect.stringMatching(/holds no results/) });
});
