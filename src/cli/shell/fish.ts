import { allNodes, type CommandNode, optionsOf } from './tree.js';
import type { Value } from './values.js';

const quoted = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;

/** Whether the words before the cursor name this command, as far as fish can tell. */
const condition = (path: readonly string[]): string =>
  path.length === 0
    ? '__fish_use_subcommand'
    : path.map((word) => `__fish_seen_subcommand_from ${word}`).join('; and ');

/** What completes a value; an option that takes one must say so. */
function valueText({ words, paths }: Value, taken: string): string {
  const folders = paths === 'folder' ? ['(__fish_complete_directories)'] : [];
  const all = [...words, ...folders];
  return [
    paths === 'file' ? `${taken === '' ? '' : '-r '}-F` : taken,
    ...(all.length > 0 ? [`-a ${quoted(all.join(' '))}`] : []),
  ].join(' ');
}

function linesOf(node: CommandNode, program: CommandNode): string[] {
  const begin = `complete -c kvm-memtype -n ${quoted(condition(node.path))}`;
  const options = optionsOf(node, program).map(({ names, takes, text }) => {
    const flags = names.map((name) =>
      name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`,
    );
    return [begin, ...flags, ...(takes ? [valueText(takes.value, '-x')] : []), `-d ${quoted(text)}`].join(
      ' ',
    );
  });
  const commands = node.commands.map(
    ({ path, summary }) => `${begin} -a ${path.at(-1)}${summary === '' ? '' : ` -d ${quoted(summary)}`}`,
  );
  const args = node.args
    .filter(({ value }) => value.words.length > 0 || value.paths !== undefined)
    .map(({ value }) => `${begin} ${valueText(value, '')}`);
  return [...commands, ...args, ...options];
}

/** The script that completes the program's words in fish. */
export const fishCompletion = (program: CommandNode): string =>
  [
    '# Completion of kvm-memtype for fish.',
    'complete -c kvm-memtype -e',
    'complete -c kvm-memtype -f',
    ...allNodes(program).flatMap((node) => linesOf(node, program)),
    '',
  ].join('\n');
