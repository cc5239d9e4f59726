import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { patiently } from '../patience.js';
import { NEEDS_KVM } from '../require.js';
import { resultsOf, runCli } from '../support/cli.js';

let folder: string;
let recording: string;
let result: string;
let wrong: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'compare-'));
  recording = join(folder, 'r.kmr');
  result = join(folder, 'r.json');
  wrong = join(folder, 'wrong.json');
  await runCli(['run', '--record', recording, '--output', result]);
  await runCli(['judge', recording, '--policy', 'E+P5', '--output', wrong]);
}, patiently(60_000));
afterAll(() => rmSync(folder, { recursive: true }));

test('a recording differs from itself in nothing', NEEDS_KVM, async () => {
  const { status, stdout } = await runCli(['compare', recording, recording]);

  expect(status).toBe(0);
  expect(stdout).toMatch(/\nno difference in \d+ scenarios\n$/);
});

test('a result that fails where another passed is worse, and not the other way', NEEDS_KVM, async () => {
  const worse = await runCli(['compare', result, wrong, '--format', 'json']);
  const better = await runCli(['compare', wrong, result]);
  const both = await runCli(['compare', wrong, wrong]);

  expect([worse.status, better.status, both.status]).toEqual([1, 0, 0]);
  expect(JSON.parse(worse.stdout)).toMatchObject({ schema: 'kvm-memtype/comparison', worse: true });
  expect(both.stdout).toContain('which is not new');
});

test('three sides give two comparisons, into a file', NEEDS_KVM, async () => {
  const output = join(folder, 'out.md');

  const { status, stdout } = await runCli([
    'compare',
    recording,
    recording,
    result,
    '--scenario',
    'msr/*',
    '--format',
    'markdown',
    '--output',
    output,
  ]);

  expect([status, stdout]).toEqual([0, '']);
  expect(readFileSync(output, 'utf8').match(/no difference/g)).toHaveLength(2);
});

test(
  'several runs tell what scenarios cost, and one run is not held against a threshold',
  NEEDS_KVM,
  async () => {
    const rounds = join(folder, 'rounds.kmr');
    await runCli(['run', 'msr/readback', 'ram/*', '--repeat', '5', '--record', rounds]);

    const same = await runCli(['compare', rounds, rounds, '--threshold', '0']);
    const once = await runCli(['compare', recording, recording, '--threshold', '0']);

    expect(same.status).toBe(0);
    expect(same.stdout).toMatch(/x1 {2}time of scenarios, [\d.]+ -> [\d.]+ ms: no difference/);
    expect(once.status).toBe(2);
    expect(once.stderr).toContain('record them by run --repeat 5 or more');
  },
);

/** Each row: what stands on the command line, and what is said of it. */
const REFUSED: readonly (readonly [readonly string[], string])[] = [
  [['compare'], "missing required argument 'kernel'"],
  [['compare', '/nonexistent', '/bin/true'], 'there is no such file'],
  [['compare', 'debian:6'], 'the path of a bzImage, or debian:<version>, is needed'],
  [['compare', '/bin/true', '/bin/true', '--scenario', 'nope'], 'no scenario is called nope'],
  [['compare', '/bin/true', '/bin/true', '--format', 'xml'], "argument 'xml' is invalid"],
  [['compare', '/bin/true', '/bin/true', '--threshold', '5', '--repeat', '4'], '--threshold needs 5 runs'],
  [['compare', '/bin/true', '/bin/true', '--threshold', '-1'], 'a whole number from 0 to 1000'],
  [['compare', '/bin/true', '/bin/true', '--repeat', '101'], 'a whole number from 1 to 100'],
];
const refusalOf = resultsOf(REFUSED.map(([args]) => args));

test.each(REFUSED.map((row, i) => [...row, i] as const))('%j is refused', (_, why, i) => {
  const { status, stdout, stderr } = refusalOf(i);

  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain(why);
});

test('one kernel alone cannot be compared, nor can what is no kernel', NEEDS_KVM, async () => {
  const alone = await runCli(['compare', recording]);
  const none = await runCli(['compare', recording, '/bin/true']);

  expect([alone.status, none.status]).toEqual([2, 2]);
  expect(alone.stderr).toContain('there is one kernel only');
});
