import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, type TestContext, test } from 'vitest';
import { requireOrSkip } from '../require.js';
import { runCli } from '../support/cli.js';

// Completion, asked of the shells themselves.

const folder = mkdtempSync(join(tmpdir(), 'shell-'));
const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

beforeAll(async () => {
  for (const shell of SHELLS)
    writeFileSync(join(folder, shell), (await runCli(['completion', shell])).stdout);
  mkdirSync(join(folder, 'here/sub'), { recursive: true });
  writeFileSync(join(folder, 'here/mine.json'), '{}');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A shell's program that prints what may complete $LINE, a word a line, from its script $SCRIPT. */
const PROGRAMS: Record<Shell, string> = {
  bash: `source "$SCRIPT"; COMP_LINE=$LINE COMP_POINT=\${#LINE}; _kvm_memtype; printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: `source $SCRIPT; complete -C $LINE | string replace -r '\\t.*' ''`,
  // zsh completes in its line editor only: have one in a terminal, which prints instead of taking what is found.
  zsh: `
    zmodload zsh/zpty
    zpty shell 'zsh -f -i'
    zpty -w shell "PS1=; autoload -Uz compinit; compinit -u -d $SCRIPT.dump; source $SCRIPT"
    zpty -w shell 'compadd() { if [[ $@[1,(i)(-|--)] == *-(O|A|D)\\ * ]]; then builtin compadd "$@"; return; fi; local -a hits; builtin compadd -O hits "$@"; (( $#hits )) && print -rl -- "<hit "$^hits">"; builtin compadd "$@" }'
    zpty -w shell 'finish() { print do""ne:; exit }; zle -N finish; bindkey "^X" finish; print rea""dy:'
    zpty -r shell text '*ready:*'
    zpty -w -n shell "$LINE"$'\t'
    zpty -w -n shell $'\x18'
    while zpty -r shell text; do print -r -- $text; [[ $text == *done:* ]] && break; done`,
};

function completed(shell: Shell, line: string): string[] {
  const { stdout, stderr } = spawnSync(shell, [...(shell === 'zsh' ? ['-f'] : []), '-c', PROGRAMS[shell]], {
    cwd: join(folder, 'here'),
    env: {
      ...process.env,
      SCRIPT: join(folder, shell),
      LINE: `kvm-memtype ${line}`,
      HOME: folder,
      TERM: 'dumb',
      COMP_WORDBREAKS: ' \n:=',
    },
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect(stderr).toBe('');
  const words =
    shell === 'zsh' ? [...stdout.matchAll(/<hit (\S+)>/g)].map(([, word]) => word ?? '') : stdout.split('\n');
  return [...new Set(words.map((word) => word.trim()))].filter((word) => word !== '').sort();
}

describe.each(SHELLS)('%s', (shell) => {
  beforeEach((context) => requireOrSkip(context, existsSync(`/usr/bin/${shell}`), `the shell ${shell}`));

  it.each([
    ['commands', 'comp', ['compare', 'completion']],
    ['commands of a command', 'kernel b', ['build']],
    ['options', 'run --sh', ['--shard']],
    ["the program's own options behind a command", 'doctor --log', ['--log-format']],
    ['choices', 'run --engine qemu', ['qemu-tcg']],
    ['choices of the first option', '--log-format js', ['json']],
    ['policies', 'judge --policy npt-E', ['npt-E-6.12']],
    ['scenarios', 'run mtrr/variable-u', ['mtrr/variable-uc']],
    [
      'scenarios behind options and their values',
      'run --policy A --strict cd/ mtrr/variable-u',
      ['mtrr/variable-uc'],
    ],
    ['scenarios as values', 'compare --scenario mtrr/variable-u', ['mtrr/variable-uc']],
    ['files', 'judge mi', ['mine.json']],
    ['files where words are', 'run min', ['mine.json']],
  ])('completes %s', (_, line, expected) => {
    expect(completed(shell, line)).toEqual(expected);
  });

  it('completes folders', () => {
    expect(completed(shell, 'run --export s').map((word) => word.replace(/\/$/, ''))).toEqual(['sub']);
  });
});

describe('the manual page', () => {
  const page = join(folder, 'kvm-memtype.1');
  const tool = (context: TestContext, command: string, args: readonly string[]): string => {
    requireOrSkip(context, existsSync(`/usr/bin/${command}`), `${command}: apt-get install mandoc man-db`);
    const { stdout, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      env: { ...process.env, MANWIDTH: '80', LC_ALL: 'C.UTF-8' },
    });
    return stdout + stderr;
  };
  beforeAll(async () => writeFileSync(page, (await runCli(['man'])).stdout));

  test('is as mandoc likes it', (context) => {
    expect(tool(context, 'mandoc', ['-T', 'lint', page])).toBe('');
  });

  test('names every command, its options and statuses, where man shows it', (context) => {
    const text = tool(context, 'man', ['--warnings', '-l', page]);

    expect(text).toMatch(/^ {3}kvm-memtype kernel build$/m);
    expect(text).toMatch(/^ +--engine <name>$/m);
    expect(text).toMatch(/^EXIT STATUS$[\s\S]*^ {7}4 +everything was skipped$/m);
  });
});
