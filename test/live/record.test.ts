import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunResult } from '../../src/report/types.js';
import { NEEDS_KVM } from '../require.js';
import { resultsOf, runCli } from '../support/cli.js';
import { LongRun } from '../support/long-run.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'record-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);

test(
  'a recording gives the run’s own results again: on the screen, and in files to the byte',
  NEEDS_KVM,
  async () => {
    const mine = path('mine.json');
    writeFileSync(
      mine,
      JSON.stringify({ name: 'my/pat', title: 'Reads the PAT', steps: [{ do: 'rdmsr', msr: 'PAT' }] }),
    );
    const files = (n: number) =>
      ['json', 'ktap', 'xml'].flatMap((kind) => ['--output', path(`${n}.${kind}`)]);
    const run = await runCli(['run', 'msr', mine, '--policy', 'D', '--record', path('r.kmr'), ...files(1)]);

    const again = await runCli(['judge', path('r.kmr'), ...files(2)]);

    expect([again.status, again.stdout]).toEqual([run.status, run.stdout]);
    for (const kind of ['json', 'ktap', 'xml'])
      expect(readFileSync(path(`2.${kind}`))).toEqual(readFileSync(path(`1.${kind}`)));
    expect(existsSync(path('r.kmr.partial'))).toBe(false);
  },
);

/** More scenarios than those that tell the policy, without which nothing is judged. */
const SOME = 10;

/** Wait until a recording that goes on holds what some scenarios gave. */
const someRecorded = (run: LongRun, file: string): Promise<true> =>
  run.until(() => (outcomesIn(`${file}.partial`) > SOME ? true : undefined));

const outcomesIn = (file: string): number =>
  existsSync(file) ? (textOf(file).match(/\\?"outcome\\?":/g)?.length ?? 0) : 0;

/** The text of a gzip stream that has not come to its end. */
const textOf = (file: string): string =>
  gunzipSync(readFileSync(file), { finishFlush: constants.Z_SYNC_FLUSH }).toString();

test('a run that is killed leaves what it has', NEEDS_KVM, async () => {
  const file = path('killed.kmr');
  const run = new LongRun('--record', file);
  await someRecorded(run, file);
  run.signalGroup('SIGKILL');
  await run.end;

  const { status, stdout } = await runCli(['judge', `${file}.partial`, '--format', 'json']);

  const { sets, incomplete } = JSON.parse(stdout) as RunResult;
  expect([status, incomplete?.reason]).toEqual([1, 'unfinished']);
  expect(sets[0]?.scenarios.length).toBeGreaterThan(0);
  expect(existsSync(file)).toBe(false);
});

test('a run that is interrupted leaves a recording that says so', NEEDS_KVM, async () => {
  const file = path('interrupted.kmr');
  const run = new LongRun('--record', file);
  await someRecorded(run, file);
  run.signalGroup('SIGINT');
  await run.end;

  const { status, stdout } = await runCli(['judge', file, '--format', 'json']);

  expect([status, (JSON.parse(stdout) as RunResult).incomplete?.reason]).toEqual([1, 'interrupted']);
});

/** Each row: what stands on the command line, and what is said of it. */
const REFUSED: readonly (readonly [readonly string[], string])[] = [
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
];
const refusalOf = resultsOf(REFUSED.map(([args]) => args));

test.each(REFUSED.map((row, i) => [...row, i] as const))('%j is refused', (_, why, i) => {
  const { status, stdout, stderr } = refusalOf(i);

  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain(why);
  expect(stderr.trimEnd()).not.toContain('\n');
});
