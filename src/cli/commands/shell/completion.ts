import { Argument, Command } from 'commander';
import { addHelp, USAGE_STATUS } from '../../options/help.js';
import { wholeProgram } from '../../program/commands.js';
import { bashCompletion } from '../../shell/bash.js';
import { fishCompletion } from '../../shell/fish.js';
import { type CommandNode, commandNode } from '../../shell/tree.js';
import { zshCompletion } from '../../shell/zsh.js';

const SHELLS: Readonly<Record<string, (program: CommandNode) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};

/** `kvm-memtype completion <shell>`. */
export function completionCommand(): Command {
  return addHelp(new Command('completion'), {
    what:
      'Print a script that completes commands, options, and the names of scenarios, policies and kernels in a shell. The program must be found ' +
      'as kvm-memtype. A later version may have other names: print it again then.',
    examples: [
      ['completion bash >~/.local/share/bash-completion/completions/kvm-memtype', 'for bash'],
      ['completion fish >~/.config/fish/completions/kvm-memtype.fish', 'for fish'],
    ],
    statuses: [[0, 'it is printed'], USAGE_STATUS],
  })
    .addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SHELLS)))
    .action(async (shell: string) => {
      process.stdout.write(SHELLS[shell]?.(commandNode(await wholeProgram())) ?? '');
    });
}
