import { type Command, Option } from 'commander';
import { FORMATS, type OutputPlan, type OutputToken, planOutputs } from '../../report/outputs.js';
import { UsageError } from '../errors.js';
import { outputFile } from './values.js';

const tokensOf = new WeakMap<Command, OutputToken[]>();

function parseFormat(value: string): OutputToken {
  const format = FORMATS.find((name) => name === value);
  if (!format) throw new UsageError(`--format ${value} is not one of ${FORMATS.join(', ')}`);
  return { format };
}

/** Give a command `--format` and `--output`, each any number of times; their order is kept, as it pairs them. */
export function addOutputOptions(command: Command): Command {
  const tokens: OutputToken[] = [];
  tokensOf.set(command, tokens);
  return command
    .addOption(
      new Option('--format <name>', `how results look: ${FORMATS.join(', ')} (repeatable)`).argParser(
        (value: string) => void tokens.push(parseFormat(value)),
      ),
    )
    .addOption(
      new Option('--output <file>', 'write the --format before it to a file (repeatable)').argParser(
        (value: string) => void tokens.push({ output: outputFile(value) }),
      ),
    );
}

/**
 * What a command's `--format` and `--output` came to.
 * @throws OutputError when they do not pair up
 */
export const outputPlans = (command: Command): OutputPlan[] => planOutputs(tokensOf.get(command) ?? []);
