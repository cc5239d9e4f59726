import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('count-tests.mjs', import.meta.url));
const TESTS = [
  ...[['passed'], ['passed', 'kvm'], ['failed'], ['failed', 'kvm']],
  ...[['skipped'], ['skipped', 'kvm'], ['skipped', 'kvm'], ['skipped', 'kvm']],
].map(([status, ...tags]) => ({
  status,
  tags,
  fullName: 'it',
  failureMessages: status === 'failed' ? ['expected 1\n  at it'] : [],
}));

let folder;
let report;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'count-'));
  report = join(folder, 'report.json');
  const numPassedTests = TESTS.filter(({ status }) => status === 'passed').length;
  const testResults = [{ assertionResults: TESTS.slice(0, 3) }, { assertionResults: TESTS.slice(3) }];
  writeFileSync(report, JSON.stringify({ numPassedTests, numTotalTests: TESTS.length, testResults }));
});
afterAll(() => rmSync(folder, { recursive: true }));

it.each([
  ['every test is to run', [], '2 6\n'],
  ['those without /dev/kvm are to run', ['without-kvm'], '2 3\n'],
  ['those with /dev/kvm are to run', ['with-kvm'], '2 5\n'],
])('where %s, one of these that did not is a failure', (_, part, expected) => {
  expect(execFileSync(process.execPath, [SCRIPT, report, ...part], { encoding: 'utf8', stdio: 'pipe' })).toBe(
    expected,
  );
});

it('names what failed, and what did not run', () => {
  const { stderr } = spawnSync(process.execPath, [SCRIPT, report, 'with-kvm'], { encoding: 'utf8' });
  expect(stderr.split('\n').map((line) => line.replace(/^FAILED report: .*: /, ''))).toEqual([
    ...['expected 1', 'expected 1', 'was skipped', 'was skipped', 'was skipped', ''],
  ]);
});
