import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { VERSION } from '../../src/cli/program/version.js';
import { BIN, resultsOf, runCli } from '../support/cli.js';

const cli = (...args: string[]) => runCli(args);

/** Each row: what stands on the command line, and what is said of it. */
const BAD: readonly (readonly [readonly string[], string])[] = [
  [['nonsense'], "unknown command 'nonsense'"],
  [['run', '--nonsense'], "unknown option '--nonsense'"],
  [['run', '--format'], "option '--format <name>' argument missing"],
  [
    ['run', '--format', 'xml'],
    '--format xml is not one of pretty, ktap, tap, kselftest, junit, json, kcidb, github, html',
  ],
  [['run', '--format', 'json', '--format', 'ktap'], 'only one format can go to stdout'],
  [
    ['run', '--output', '/nonexistent/r.json'],
    'cannot write --output /nonexistent/r.json: its folder does not exist',
  ],
  [['run', '--log-format', 'xml'], "option '--log-format <name>' argument 'xml' is invalid"],
];

describe('bad usage is one sentence and status 2', () => {
  const resultOf = resultsOf(BAD.map(([args]) => args));

  it.each(BAD.map((row, i) => [...row, i] as const))('%j', (_, message, i) => {
    const { status, stdout, stderr } = resultOf(i);

    expect(stderr).toMatch(/^kvm-memtype: [^\n]+\n$/);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(status).toBe(2);
  });
});

it('shows its help on stderr with status 2 when nothing is asked of it', async () => {
  expect(await cli()).toMatchObject({
    status: 2,
    stdout: '',
    stderr: expect.stringContaining('Usage: kvm-memtype'),
  });
});

it.each([
  [['--help'], /^Usage: kvm-memtype/],
  [['run', '--help'], /^Usage: kvm-memtype run/],
  [['help', 'run'], /^Usage: kvm-memtype run/],
  [['--version'], new RegExp(`^${VERSION}\n$`)],
])('%j goes to stdout', async (args, text) => {
  expect(await cli(...args)).toMatchObject({ status: 0, stdout: expect.stringMatching(text), stderr: '' });
});

it('--debug adds the stack', async () => {
  const { stderr } = await cli('--debug', 'run', '--format', 'xml');

  expect(stderr).toMatch(/^kvm-memtype: [^\n]+\nError: [^\n]+\n {4}at /);
});

it('ends as a program does whose reader went away, without a word', async () => {
  const child = spawn(process.execPath, [BIN, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  child.stdout.destroy();

  const [status] = await once(child, 'close');

  expect(stderr).toBe('');
  expect(status).toBe(141);
});
