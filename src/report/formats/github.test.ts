import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { crashedSet, departedSet, fullRun, runOf, scenarios, setOf } from '../../../test/support/results.js';
import { catalogue } from '../../catalogue/index.js';
import { definitionOf } from './definitions.js';
import { renderGithub } from './github.js';

const HERE = { folder: '/work', cwd: '/work/kernel' };
const [FAILURE] = scenarios.fail.failures;
const failing = (name: string, file?: string, line?: number) => ({
  ...scenarios.fail,
  family: 'mine',
  name,
  ...(file && { file }),
  failures: scenarios.fail.failures.map((failure) => ({ ...failure, ...(line && { line }) })),
});
const render = (...args: Parameters<typeof runOf>): string[] =>
  renderGithub(runOf(...args), HERE)
    .split('\n')
    .slice(0, -1);

/** A command as the runner reads it (actions/runner: ActionCommand.TryParseV2). */
function read(line: string): { kind: string; data: string; properties: Record<string, string> } {
  const [, kind = '', given = '', data = ''] = /^::(\w+) (.*?)::(.*)$/.exec(line) ?? [];
  const plain = (text: string): string =>
    text.replace(/%(0D|0A|3A|2C|25)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
  const properties = given.split(',').map((one) => one.split('=') as [string, string]);
  return {
    kind,
    data: plain(data),
    properties: Object.fromEntries(properties.map(([k, v]) => [k, plain(v)])),
  };
}

it('names the file of a scenario, from the workspace on, and the line of the step that failed', () => {
  const [line = ''] = render(setOf(failing('one', 'tests/one.json', 7)));

  expect(line.split('::')[1]).toBe(
    'error file=kernel/tests/one.json,line=7,title=mine/one on bzImage-6.1%3A fail',
  );
  expect(read(line).data.split('\n')).toEqual([
    `step 3: ${FAILURE?.stepText}`,
    'leaf (vCPU 1, gfn 0xc00): expected UC, IPAT=0; seen WB, IPAT=1',
    'because: vmx_get_mt_mask(), 4.2 to 6.10',
    "again: npx kvm-memtype run 'mtrr/default-type'",
  ]);
});

it.each(['/elsewhere/one.json', '../../one.json'])('names no file that is outside: %s', (file) => {
  expect(read(render(setOf(failing('one', file, 7)))[0] ?? '').properties).toEqual({
    title: 'mine/one on bzImage-6.1: fail',
  });
});

it('what a kernel or a file says is nothing but text', () => {
  const evil = { ...failing('a', 'a%,:\n::b.json', 1), error: '100%\r\n::error::x\u001b[2J' };

  const lines = render(setOf(evil));

  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('file=kernel/a%25%2C%3A%0A%3A%3Ab.json,');
  expect(read(lines[0] ?? '').data).toMatch(/^100%\n::error::x\\x1b\[2J\n/);
});

it('tells of nothing that is well', () => {
  expect(renderGithub(runOf(setOf(scenarios.pass, scenarios.skip)))).toBe('');
});

it('tells of a dead kernel and a run that broke off first, and of warnings last', () => {
  const run = { ...fullRun(), incomplete: { reason: 'interrupted', text: 'by SIGINT' } as const };

  const annotations = renderGithub({ ...run, sets: [departedSet(), ...run.sets] }, HERE)
    .trimEnd()
    .split('\n')
    .map(read);

  expect(annotations.map(({ kind, properties }) => [kind, properties.title])).toEqual([
    ['error', 'the run is incomplete'],
    ['error', 'bzImage-6.1: the kernel died'],
    ['error', 'mtrr/default-type on bzImage-6.1: fail'],
    ['error', 'vfio/detach on bzImage-6.1: error'],
    ['error', 'cd/toggle (repeat 2) on bzImage-6.1: timeout'],
    ['warning', 'bzImage-6.1: another policy than its version’s'],
  ]);
  expect(read(render(crashedSet())[0] ?? '').data).toContain('Kernel panic - not syncing: #PF\n');
  expect(read(render(departedSet(true))[0] ?? '').kind).toBe('error');
});

it('gives no more than GitHub shows, and says what is left out', () => {
  const set = setOf(...Array.from({ length: 40 }, (_, i) => failing(`n${i}`)));

  const lines = render(set);

  expect(lines).toHaveLength(10);
  expect(read(lines[9] ?? '')).toEqual({
    kind: 'error',
    properties: { title: 'kvm-memtype: 31 errors more' },
    data: [
      ...Array.from({ length: 20 }, (_, i) => `mine/n${i + 9} on bzImage-6.1: fail`),
      'and 11 more',
    ].join('\n'),
  });
});

it('cuts a long list of failures, and keeps the command', () => {
  const long = {
    ...failing('long'),
    failures: Array.from({ length: 30 }, () => FAILURE as NonNullable<typeof FAILURE>),
  };

  const lines = read(render(setOf(long))[0] ?? '').data.split('\n');

  expect(lines).toHaveLength(20);
  expect(lines.slice(-2)).toEqual(['(101 more lines)', expect.stringMatching(/^again: /)]);
});

it('a scenario of the catalogue is annotated where its module names it', () => {
  for (const { name } of catalogue) {
    const { file = '', line = 0 } = definitionOf(name) ?? {};
    const [family = ''] = name.split('/');
    expect(readFileSync(file, 'utf8').split('\n')[line - 1], name).toMatch(new RegExp(`['\`]${family}/`));
  }
  expect(definitionOf('mtrr/fixed-64k')?.line).not.toBe(definitionOf('mtrr/fixed-disabled')?.line);
  expect(definitionOf('mine/one')).toBeUndefined();
});
