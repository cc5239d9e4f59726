import type { Command } from 'commander';
import { hang, textWidth } from '../../text/wrap.js';

/** What `--help` tells of a command beside its options. */
export interface Help {
  /** What it is for, in a sentence or a few. */
  what: string;
  /** Arguments behind the program's name, each with what they do. All have been run as they stand. */
  examples: readonly (readonly [args: string, does: string])[];
  /** Exit statuses, each with when. */
  statuses: readonly (readonly [status: number | 'n', when: string])[];
}

export const USAGE_STATUS = [2, 'wrong usage, or something that is needed is missing here'] as const;

/** Of what goes on until it is ended: it dies of the signal, as programs do. */
export const ENDED_STATUSES = [
  [130, 'it was ended by SIGINT, as Ctrl-C sends it'],
  [143, 'it was ended by SIGTERM'],
] as const;

function exampleText(args: string, does: string, width: number): string {
  return `  kvm-memtype ${args}\n${hang('      ', does, width)}`;
}

const helps = new WeakMap<Command, Help>();

/** What addHelp() gave a command. */
export const helpOf = (command: Command): Help | undefined => helps.get(command);

/** Give a command its help. */
export function addHelp(command: Command, help: Help): Command {
  const { what, examples, statuses } = help;
  helps.set(command, help);
  return command.description(what).addHelpText('after', () => {
    const width = textWidth(process.stdout);
    return [
      '\nExamples:',
      ...examples.map(([args, does]) => exampleText(args, does, width)),
      '\nExit status:',
      ...statuses.map(([status, when]) => hang(`  ${status}  `, when, width)),
    ].join('\n');
  });
}
