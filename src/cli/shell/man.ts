import { wrapLines } from '../../text/wrap.js';
import { allNodes, type CommandNode, type OptionNode } from './tree.js';

/** As roff takes it: dashes that can be copied, quotes by name, no line that begins as a request. */
const escaped = (text: string): string =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll('…', '...')
    .replace(/^(?=[.'])/, '\\&');

/** Text in lines that tools like: roff fills its own. */
const filled = (text: string): string =>
  wrapLines(text.replaceAll(/\s+/g, ' '), 68).split('\n').map(escaped).join('\n');

/** An argument of a request: quotes within it are doubled. */
const quoted = (text: string): string => `"${escaped(text).replaceAll('"', '\\(dq')}"`;

const optionLines = (options: readonly OptionNode[]): string[] =>
  options.flatMap(({ flags, whole }) => ['.TP', `.B ${quoted(flags)}`, filled(whole)]);

const statusLines = ({ help }: CommandNode): string[] =>
  (help?.statuses ?? []).flatMap(([status, when]) => ['.TP', `.B ${quoted(String(status))}`, filled(when)]);

const exampleLines = ({ help }: CommandNode): string[] =>
  (help?.examples ?? []).flatMap(([args, does]) => [
    '.TP',
    `.B ${quoted(`kvm-memtype ${args}`)}`,
    filled(does),
  ]);

function commandLines(node: CommandNode): string[] {
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ['.PP', `${title}:`, ...lines];
  return [
    `.SS ${quoted(`kvm-memtype ${node.path.join(' ')}`)}`,
    `.B ${quoted(`kvm-memtype ${node.path.join(' ')}`)}`,
    `.I ${quoted(node.usage)}`,
    '.PP',
    filled(node.text),
    ...node.args.flatMap(({ name, text }) => ['.TP', `.I ${quoted(name)}`, filled(text)]),
    ...optionLines(node.options),
    ...section('Examples', exampleLines(node)),
    ...section('Exit status', statusLines(node)),
  ];
}

/** What the program asks of its environment. */
const ENVIRONMENT: readonly (readonly [name: string, what: string])[] = [
  ['NO_COLOR', 'Set and not empty: no colours.'],
  ['FORCE_COLOR', 'Colours also where the output is no terminal; 0 for none.'],
  ['KVM_MEMTYPE_DEBUG', 'Set to 1, the same as --debug.'],
  ['XDG_CACHE_HOME', 'Where kernels are kept that were built, below kvm-memtype; ~/.cache unless it is set.'],
];

/** The manual page of the program, all commands in it. */
export function manualPage(program: CommandNode, version: string, date: string): string {
  const commands = allNodes(program).filter(({ path }) => path.length > 0);
  return [
    `.TH KVM\\-MEMTYPE 1 "${date}" ${quoted(`kvm-memtype ${version}`)} "User Commands"`,
    '.SH NAME',
    'kvm\\-memtype \\- check the memory types that KVM gives a guest',
    '.SH SYNOPSIS',
    '.B kvm\\-memtype',
    '.RI [ options ]',
    '.I command',
    '.RI [ arguments ]',
    '.SH DESCRIPTION',
    filled(program.text),
    '.SH OPTIONS',
    'These may stand before or after the command.',
    ...optionLines(program.options),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH EXIT STATUS',
    'Commands that have others say so.',
    ...statusLines(program),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(([name, what]) => ['.TP', `.B ${quoted(name)}`, filled(what)]),
    '.SH EXAMPLES',
    ...exampleLines(program),
    '',
  ].join('\n');
}
