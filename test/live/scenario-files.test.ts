import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import type { RunResult } from '../../src/report/types.js';
import { NEEDS_KVM } from '../require.js';
import { BIN, runCli } from '../support/cli.js';

let folder: string;
let mine: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scenario files-'));
  mine = join(folder, 'mine.json');
  const steps = [{ do: 'rdmsr', msr: 'PAT' }];
  writeFileSync(mine, JSON.stringify({ name: 'my/pat', title: 'Reads the PAT', needs: [], steps }));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Each verdict by its scenario; those that tell the policy come first in a run. */
const verdicts = (stdout: string, prefix = '') =>
  new Map(
    (JSON.parse(stdout) as RunResult).sets.flatMap(({ scenarios }) =>
      scenarios.map(({ family, name, status, skip, checks }) => [
        `${prefix}${family}/${name}`,
        { status, skip, checks },
      ]),
    ),
  );

test(
  'the exported catalogue gives the verdicts of the catalogue, also under other names',
  NEEDS_KVM,
  async () => {
    const out = join(folder, 'catalogue');
    const exported = await runCli(['run', '--export', out]);
    const files = catalogue.map(({ name }) => join(out, `${name}.json`));
    expect(exported).toEqual({
      status: 0,
      stdout: `${catalogue.length} scenarios written into ${out}\n`,
      stderr: '',
    });

    const [whole, back] = await Promise.all([
      runCli(['run', '--format', 'json']),
      runCli(['run', '--format', 'json', ...files]),
    ]);
    for (const file of files)
      writeFileSync(file, readFileSync(file, 'utf8').replace('"name": "', '"name": "my-'));
    const renamed = await runCli(['run', '--format', 'json', ...files]);

    expect(verdicts(back.stdout)).toEqual(verdicts(whole.stdout));
    expect(verdicts(renamed.stdout)).toEqual(verdicts(whole.stdout, 'my-'));
  },
);

test('an export overwrites nothing', async () => {
  const out = join(folder, 'twice');
  await runCli(['run', '--export', out, 'msr']);

  const { status, stderr } = await runCli(['run', '--export', out]);

  expect(status).toBe(2);
  expect(stderr).toMatch(
    /^kvm-memtype: .*twice\/msr\/[a-z-]+\.json is there already: nothing was written\n$/,
  );
});

test('a file stands beside patterns', NEEDS_KVM, async () => {
  const { status, stdout } = await runCli(['run', 'msr/readback', mine, '--format', 'json']);

  const [readback, own] = (JSON.parse(stdout) as RunResult).sets[0]?.scenarios ?? [];
  expect(status).toBe(0);
  expect([readback?.name, own?.family, own?.status]).toEqual(['readback', 'my', 'pass']);
});

test('a scenario may come from standard input, through a pipe or from a file', () => {
  for (const how of [`cat "${mine}" | "$0" "$1" run --list -`, `"$0" "$1" run --list - < "${mine}"`]) {
    const { stdout } = spawnSync('sh', ['-c', how, process.execPath, BIN], { encoding: 'utf8' });
    expect(stdout).toMatch(/^my\/pat +Reads the PAT\n$/);
  }
});

test.each([
  ['{', /bad\.json: it is not JSON: [^\n]*\n$/],
  [
    '{"name":"my/a","title":"A","steps":[{"do":"rdmsr","msr":"TSC"}]}',
    /bad\.json: steps\[0\]\.msr: the name of an MSR/,
  ],
  [
    '{"name":"my/a","title":"A","steps":[{"do":"cd","on":true,"vcpu":1}]}',
    /bad\.json: steps\[0\]\.vcpu: the VM has/,
  ],
  [
    '{"name":"ram/default","title":"A","steps":[]}',
    /bad\.json: the catalogue has another ram\/default: give /,
  ],
])('%s is one sentence and status 2', async (text, message) => {
  const bad = join(folder, 'bad.json');
  writeFileSync(bad, text);

  const { status, stdout, stderr } = await runCli(['run', bad]);

  expect([status, stdout]).toEqual([2, '']);
  expect(stderr.split('\n')).toHaveLength(2);
  expect(stderr).toMatch(message);
});
