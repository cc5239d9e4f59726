import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunResult } from '../../src/report/types.js';
import { runCli } from '../support/cli.js';
import { LongRun } from '../support/long-run.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'record-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

test('a recording gives the run’s own results again: on the screen, and in files to the byte', async () => {
  const mine = path('mine.json');
  writeFileSync(
    mine,
    JSON.stringify({ name: 'my/pat', title: 'Reads the PAT', steps: [{ do: 'rdmsr', msr: 'PAT' }] }),
  );
  const files = (n: number) => ['json', 'ktap', 'xml'].flatMap((kind) => ['--output', path(`${n}.${kind}`)]);
  const run = await runCli(['run', 'msr', mine, '--policy', 'D', '--record', path('r.kmr'), ...files(1)]);

  const again = await runCli(['judge', path('r.kmr'), ...files(2)]);

  expect([again.status, again.stdout]).toEqual([run.status, run.stdout]);
  for (const kind of ['json', 'ktap', 'xml'])
    expect(readFileSync(path(`2.${kind}`))).toEqual(readFileSync(path(`1.${kind}`)));
  expect(existsSync(path('r.kmr.partial'))).toBe(false);
});

test('a run that is killed leaves what it has', async () => {
  const file = path('killed.kmr');
  const run = new LongRun('--record', file);
  await run.agent();
  await sleep(1000);
  run.signalGroup('SIGKILL');
  await run.end;

  const { status, stdout } = await runCli(['judge', `${file}.partial`, '--format', 'json']);

  const { sets, incomplete } = JSON.parse(stdout) as RunResult;
  expect([status, incomplete?.reason]).toEqual([1, 'unfinished']);
  expect(sets[0]?.scenarios.length).toBeGreaterThan(0);
  expect(existsSync(file)).toBe(false);
});

test('a run that is interrupted leaves a recording that says so', async () => {
  const file = path('interrupted.kmr');
  const run = new LongRun('--record', file);
  await run.agent();
  await sleep(1000);
  run.signalGroup('SIGINT');
  await run.end;

  const { status, stdout } = await runCli(['judge', file, '--format', 'json']);

  expect([status, (JSON.parse(stdout) as RunResult).incomplete?.reason]).toEqual([1, 'interrupted']);
});

// Each row: what stands on the command line, and what is said of it.
test.each([
  [['run', 'msr', '--record', '/dev/null'], '--record /dev/null is not a regular file'],
  [
    ['run', 'msr', '--record', '/nonexistent/r.kmr'],
    'cannot write --record /nonexistent/r.kmr: its folder does not exist',
  ],
  [
    ['run', 'msr', '--record', '/tmp/r.json', '--output', '/tmp/r.json'],
    '--record /tmp/r.json is an --output too',
  ],
  [['judge', '/nonexistent'], 'cannot read /nonexistent: there is no such file'],
  [['judge', '/bin/true'], 'cannot read /bin/true: it is no recording'],
  [['judge', '/dev/zero'], 'cannot read /dev/zero: it is a device, not a file'],
  [['judge', '/bin/true', '--policy', 'nope'], "no policy is called 'nope'"],
])('%j is refused', async (args, why) => {
  const { status, stdout, stderr } = await runCli(args);

  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain(why);
  expect(stderr.trimEnd()).not.toContain('\n');
});
