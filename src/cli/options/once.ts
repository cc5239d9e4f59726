import type { Command } from 'commander';
import { UsageError } from '../errors.js';

/**
 * Have a command refuse an option that is given twice, instead of taking the last one in silence.
 *
 * @param repeatable long names of the options that may come several times
 */
export function refuseTwice(command: Command, repeatable: readonly string[] = []): Command {
  for (const option of command.options) {
    const name = option.long ?? option.flags;
    if (!option.required || repeatable.includes(name)) continue;
    const parse: (text: string, previous: unknown) => unknown = option.parseArg ?? ((text) => text);
    let isGiven = false;
    option.argParser((text: string, previous: unknown) => {
      if (isGiven) throw new UsageError(`${name} is given twice: it takes one value`);
      isGiven = true;
      return parse(text, previous);
    });
  }
  return command;
}
