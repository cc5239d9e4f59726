import { Command, CommanderError } from 'commander';
import { BISECT } from '../history/answer.js';
import { safeText } from '../text/safe.js';
import { EXIT_ENVIRONMENT, sentenceOf } from './errors.js';
import { COMMANDS, createProgram, loadCommand } from './program/commands.js';
import { handleInterrupts, interrupted, onInterrupt } from './terminal/interrupt.js';
import { say } from './terminal/say.js';

interface GlobalOptions {
  verbose?: boolean;
  quiet?: boolean;
  debug?: boolean;
  logFormat: 'text' | 'json';
}

/** Have a command and those below it throw instead of exiting, and leave the telling to us. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child, command);
  return command;
}

async function configure({ verbose, quiet, logFormat }: GlobalOptions): Promise<void> {
  const [{ configureLog }, { silenceProgress }] = await Promise.all([
    import('./terminal/log.js'),
    import('./terminal/progress.js'),
  ]);
  configureLog(verbose ? 'debug' : quiet ? 'warn' : 'info', logFormat);
  if (quiet) silenceProgress();
}

const quietProgram = (): Command =>
  createProgram()
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .hook('preAction', (program) => configure(program.opts<GlobalOptions>()));

/** The command that is called: the first argument that is no option, where there is a command of that name. */
function calledCommand(args: readonly string[]): string | undefined {
  const words = args.filter((arg, index) => !arg.startsWith('-') && args[index - 1] !== '--log-format');
  const name = words[0] === 'help' ? words[1] : words[0];
  return name !== undefined && Object.hasOwn(COMMANDS, name) ? name : undefined;
}

async function parse(args: readonly string[]): Promise<void> {
  const program = quietProgram();
  const called = calledCommand(args);
  for (const [name, summary] of Object.entries(COMMANDS)) {
    const command = name === called ? await loadCommand(name, runLine) : new Command(name);
    program.addCommand(inherit(command.summary(summary), program));
  }
  if (args.length === 0) {
    process.stderr.write(safeText(program.helpInformation()));
    process.exitCode = EXIT_ENVIRONMENT;
    return;
  }
  await program.parseAsync(args, { from: 'user' });
}

/** What a command that an error ends exits with: `git bisect run` takes 2 for a bad commit, and ends at anything above 127. */
const errorStatus = (args: readonly string[]): number =>
  calledCommand(args) === 'bisect' ? BISECT.stop : EXIT_ENVIRONMENT;

function tell(error: unknown, debug: boolean): void {
  const hint = error instanceof CommanderError ? ' (see --help)' : '';
  say(`${sentenceOf(error)}${hint}`);
  if (debug && error instanceof Error) process.stderr.write(`${safeText(error.stack ?? '')}\n`);
}

/** Run a command line to its end, and tell of its error. */
async function runLine(args: readonly string[]): Promise<void> {
  try {
    await parse(args);
  } catch (error) {
    if (interrupted.aborted || (error instanceof CommanderError && error.exitCode === 0)) return;
    tell(error, args.includes('--debug') || process.env.KVM_MEMTYPE_DEBUG === '1');
    process.exitCode = errorStatus(args);
  }
}

/**
 * Run the command line. Sets process.exitCode: what the command set, or 2 after an error, which is told in one sentence
 * (with its stack if --debug is given or KVM_MEMTYPE_DEBUG=1).
 */
export async function runCli(args: readonly string[]): Promise<void> {
  handleInterrupts();
  const running = runLine(args);
  // Let an interrupted command end by itself: it sees the abort and undoes what it changed.
  onInterrupt(() => running);
  await running;
}
