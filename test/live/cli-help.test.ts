import { describe, expect, it } from 'vitest';
import { NEEDS_KVM } from '../require.js';
import { resultsOf, runCli } from '../support/cli.js';

const words = (help: string, title: string): string[] =>
  new RegExp(`^${title}:\\n((?: .*\\n)+)`, 'm').exec(help)?.[1]?.trimEnd().split('\n') ?? [];

/** Every command that the program's own help names. */
async function commands(): Promise<string[]> {
  const { stdout } = await runCli(['--help']);
  return words(stdout, 'Commands').flatMap((line) => /^ {2}([a-z]+)/.exec(line)?.[1] ?? []);
}

it('names the commands that there are, and no other', async () => {
  expect(await commands()).toEqual([
    'run',
    'lab',
    'kernel',
    'explain',
    'check',
    'fuzz',
    'repro',
    'guest',
    'doctor',
    'matrix',
    'compare',
    'series',
    'bisect',
    'judge',
    'merge',
    'report',
    'campaign',
    'worker',
    'watch',
    'zaps',
    'completion',
    'man',
    'help',
  ]);
});

/** What has a help. */
const HELPFUL = [
  ['--help'],
  ['run'],
  ['kernel'],
  ['kernel', 'build'],
  ['explain'],
  ['check'],
  ['fuzz'],
  ['repro'],
  ['guest'],
  ['matrix'],
  ['compare'],
  ['series'],
  ['bisect'],
  ['doctor'],
  ['judge'],
  ['merge'],
  ['report'],
  ['campaign'],
  ['campaign', 'plan'],
  ['campaign', 'run'],
  ['campaign', 'resume'],
  ['campaign', 'status'],
  ['campaign', 'cancel'],
  ['campaign', 'report'],
  ['campaign', 'serve'],
  ['worker'],
  ['watch'],
  ['zaps'],
  ['completion'],
  ['man'],
];

/** What goes on until a signal ends it. */
const UNTIL_ENDED = ['worker', 'campaign serve'];

describe('the help of every command', () => {
  const lines = HELPFUL.map((command) => [...command, '--help']);
  const helpOf = resultsOf(lines, { COLUMNS: '80' });

  it.each(HELPFUL.map((command, i) => ({ command, i })))(
    '$command: what it is for, two examples, the exit statuses, within 80 columns',
    ({ command, i }) => {
      const { status, stdout } = helpOf(i);

      expect(status).toBe(0);
      expect(stdout).toMatch(/^Usage: kvm-memtype .*\n\n[A-Z][\s\S]*?\.\n/);
      expect(
        words(stdout, 'Examples').filter((line) => /^ {2}kvm-memtype /.test(line)).length,
      ).toBeGreaterThan(1);
      expect(words(stdout, 'Exit status').map((line) => line.trim().split(' ')[0])).toEqual(
        expect.arrayContaining([
          UNTIL_ENDED.includes(command.join(' ')) ? '130' : '0',
          command[0] === 'bisect' ? '128' : '2',
        ]),
      );
      expect(stdout).not.toContain('default: [');
      expect(
        stdout.split('\n').filter((line) => line.length > 80 && !line.startsWith('  kvm-memtype ')),
      ).toEqual([]);
    },
  );
});

/** The examples that need neither the lab nor a file of the user's own. */
it.each(['explain', 'run'])(
  'the examples of %s that need no kernel do what they say',
  NEEDS_KVM,
  async (command) => {
    const { stdout } = await runCli([command, '--help']);
    const examples = words(stdout, 'Examples').flatMap(
      (line) => /^ {2}kvm-memtype (.*)$/.exec(line)?.[1] ?? [],
    );

    for (const example of examples.filter((args) => !args.includes('--kernel'))) {
      const { status, stderr } = await runCli(
        example.split(' ').map((word) => word.replace(/^'(.*)'$/, '$1')),
      );
      expect([0, 4], `${example}: ${stderr}`).toContain(status);
    }
  },
);
