import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { split } from 'shlex';
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sentenceOf } from '../errors.js';
import { checkCommand } from './check.js';
import { explainCommand } from './explain.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LINES = readFileSync(`${ROOT}docs/explain.md`, 'utf8').split('\n');
const COMMANDS = { explain: explainCommand, check: checkCommand };
const COMMAND = /^ {4}\.\/kvm-memtype (explain|check) (.*)$/;
const FILE = /^ {4}printf '%s\\n' (.*) > (\S+)$/;
/** What is left out. */
const REST = '…';

const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-docs-'));
afterAll(() => rmSync(folder, { recursive: true }));

let out = '';
let status: typeof process.exitCode;
beforeEach(() => {
  status = process.exitCode;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = status;
});

/** A file that the page writes is in a folder of its own; others are in the repository. */
const pathOf = (word: string): string => {
  if (word.startsWith('test/')) return ROOT + word;
  return word.endsWith('.txt') ? join(folder, word) : word;
};

/** The lines of a command's output, as the page has them. */
async function run(name: keyof typeof COMMANDS, words: string): Promise<string[]> {
  out = '';
  const command = COMMANDS[name]()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  try {
    await command.parseAsync(split(words).map(pathOf), { from: 'user' });
  } catch (error) {
    out += `kvm-memtype: ${sentenceOf(error)}\n`;
  }
  const text = out.replaceAll(`${folder}/`, '').replaceAll(ROOT, '');
  return text.split('\n').filter((line) => line.trim() !== '');
}

/** The indented lines behind a command, up to the next one. */
function shownAfter(at: number): string[] {
  const rest = LINES.slice(at + 1);
  const end = rest.findIndex((line) => (line !== '' && !line.startsWith('    ')) || COMMAND.test(line));
  return rest
    .slice(0, end)
    .filter((line) => line !== '')
    .map((line) => line.slice(4));
}

/** Whether lines stand in an output, in their order; what `…` stands for may be anything. */
function isShown(shown: readonly string[], output: readonly string[]): boolean {
  let at = 0;
  let isLoose = false;
  for (const line of shown) {
    if (line.trim() === REST) {
      isLoose = true;
      continue;
    }
    const found = isLoose ? output.indexOf(line, at) : at;
    if (output[found] !== line) return false;
    at = found + 1;
    isLoose = false;
  }
  return isLoose || at === output.length;
}

describe('docs/explain.md', () => {
  for (const line of LINES) {
    const [, words, name] = FILE.exec(line) ?? [];
    if (words !== undefined) writeFileSync(join(folder, name as string), `${split(words).join('\n')}\n`);
  }
  const shown = LINES.flatMap((line, at) => {
    const [, name, words] = COMMAND.exec(line) ?? [];
    return name === undefined ? [] : [{ name: name as keyof typeof COMMANDS, words: words as string, at }];
  });

  it('answers at least five questions', () => {
    expect(LINES.filter((line) => line.startsWith('## ') && line.endsWith('?')).length).toBeGreaterThan(5);
    expect(shown.length).toBeGreaterThan(10);
  });

  it.each(shown)('$name $words', async ({ name, words, at }) => {
    const output = await run(name, words);
    const lines = shownAfter(at);
    if (lines.length > 0 && !isShown(lines, output)) expect(output).toEqual(lines);
  });
});
