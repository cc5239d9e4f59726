import type { Argument, Command, Option } from 'commander';
import { type Help, helpOf } from '../options/help.js';
import { type Value, valueFor } from './values.js';

/** An option as a shell or a page tells it. */
export interface OptionNode {
  /** `-v` and `--verbose` */
  names: readonly string[];
  /** As it is written with its value: `--engine <name>`. */
  flags: string;
  /** What it takes, if it takes anything: the name of it, and what it may be. */
  takes: { name: string; value: Value } | undefined;
  text: string;
  /** The same with choices and defaults. */
  whole: string;
}

/** A command as a shell or a page tells it. */
export interface CommandNode {
  /** Its words behind the program's name; none for the program itself. */
  path: readonly string[];
  summary: string;
  /** What it is for, in whole sentences. */
  text: string;
  usage: string;
  help: Help | undefined;
  options: readonly OptionNode[];
  args: readonly { name: string; text: string; value: Value; variadic: boolean }[];
  commands: readonly CommandNode[];
}

const placeholder = ({ flags }: Option): string | undefined => /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1];

function optionNode(command: Command, option: Option): OptionNode {
  const name = placeholder(option);
  return {
    names: [option.short, option.long].filter((text) => text != null),
    flags: option.flags,
    takes:
      name === undefined ? undefined : { name, value: valueFor(name, option.long ?? '', option.argChoices) },
    text: option.description,
    whole: command.createHelp().optionDescription(option),
  };
}

const argumentNode = (arg: Argument): CommandNode['args'][number] => ({
  name: arg.name(),
  text: arg.description,
  value: valueFor(arg.name(), '', arg.argChoices),
  variadic: arg.variadic,
});

/** All that commander knows of a command and those below it. */
export function commandNode(command: Command, path: readonly string[] = []): CommandNode {
  const help = command.createHelp();
  const visible = new Set(help.visibleCommands(command));
  const own = command.commands
    .filter((child) => visible.has(child))
    .map((child) => commandNode(child, [...path, child.name()]));
  return {
    path,
    summary: command.summary(),
    text: command.description() || command.summary(),
    usage: command.usage(),
    help: helpOf(command),
    options: help.visibleOptions(command).map((option) => optionNode(command, option)),
    args: command.registeredArguments.map(argumentNode),
    commands: own,
  };
}

/** A command and all below it. */
export const allNodes = (node: CommandNode): CommandNode[] => [node, ...node.commands.flatMap(allNodes)];

/** The options that a command takes, the program's own included: these may stand behind it too. */
export function optionsOf(node: CommandNode, program: CommandNode): OptionNode[] {
  const known = new Set(node.options.flatMap(({ names }) => names));
  const global = program.options.filter(
    ({ names }) => !names.some((name) => known.has(name)) && !names.includes('-V'),
  );
  return node === program ? [...node.options] : [...node.options, ...global];
}
