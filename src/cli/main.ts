import { Command, CommanderError, Option } from 'commander';
import { BISECT } from '../history/answer.js';
import { safeText } from '../text/safe.js';
import { EXIT_ENVIRONMENT, sentenceOf } from './errors.js';
import { addHelp, type Help, USAGE_STATUS } from './options/help.js';
import { VERSION } from './program/version.js';
import { handleInterrupts, interrupted, onInterrupt } from './terminal/interrupt.js';
import { say } from './terminal/say.js';

/** Every command: its module under this folder exports `<name>Command()`. Only the one that is called is loaded. */
const COMMANDS: Record<string, string> = {
  run: "run the catalogue on this machine's KVM, or on kernels in the lab",
  lab: 'give commands one after another for a kernel in the lab',
  kernel: 'build kernels to run on',
  explain: 'tell why a page has its memory type',
  check: "tell whether a guest's MTRRs are set up right, or find those that are",
  fuzz: 'run scenarios of random steps, and cut down what fails',
  repro: 'write a scenario as a C program to post',
  guest: 'run a guest of your own',
  doctor: 'tell what can be checked here, what not, and what would help',
  matrix: 'show each proposed kernel change on kernels before and after it',
  compare: 'tell what differs between kernels, recordings or results',
  series: 'check a patch series, patch by patch',
  bisect: 'tell `git bisect run` whether a kernel tree is good',
  judge: 'judge what was recorded by `run --record` again, under any policy',
  merge: 'put the results of parts of a run together',
  report: 'write saved results, also of a run that was broken off, in any format',
  campaign: 'run many kernels, parameters and seeds, and go on where it was killed',
  worker: 'do jobs of campaigns that come through a queue',
  watch: 'watch the VMs of another process, live',
  zaps: 'count EPT zaps of a firmware-like boot, and their time',
};

interface GlobalOptions {
  verbose?: boolean;
  quiet?: boolean;
  debug?: boolean;
  logFormat: 'text' | 'json';
}

/** Folders of commands that are not in `commands/` itself. */
const FOLDERS: Readonly<Record<string, string>> = {
  campaign: 'fleet/',
  repro: 'scenarios/',
  worker: 'fleet/',
};

const moduleOf = (name: string): URL =>
  new URL(`./commands/${FOLDERS[name] ?? ''}${name}.js`, import.meta.url);

/** Have a command and those below it throw instead of exiting, and leave the telling to us. */
function inherit(command: Command, parent: Command): Command {
  command.copyInheritedSettings(parent);
  for (const child of command.commands) inherit(child, command);
  return command;
}

async function loadCommand(name: string): Promise<Command> {
  const module = (await import(moduleOf(name).href)) as Record<string, (run: typeof runLine) => Command>;
  const create = module[`${name}Command`];
  if (!create) throw new Error(`the module of the command ${name} exports no ${name}Command()`);
  return create(runLine);
}

async function configure({ verbose, quiet, logFormat }: GlobalOptions): Promise<void> {
  const [{ configureLog }, { silenceProgress }] = await Promise.all([
    import('./terminal/log.js'),
    import('./terminal/progress.js'),
  ]);
  configureLog(verbose ? 'debug' : quiet ? 'warn' : 'info', logFormat);
  if (quiet) silenceProgress();
}

const HELP: Help = {
  what:
    'Check the memory types that KVM gives a guest: it boots small guests, watches the page tables (EPT) that KVM builds for ' +
    'them, and holds each entry against a reference model.',
  examples: [
    ['run --list', 'every scenario, with what it checks'],
    ['run --kernel debian:6.1', "check Debian's 6.1 in an emulated machine; it is built first"],
  ],
  statuses: [
    [0, 'it is as it should be'],
    [1, 'a check failed'],
    USAGE_STATUS,
    [4, 'everything was skipped'],
  ],
};

function createProgram(): Command {
  return addHelp(new Command('kvm-memtype'), HELP)
    .version(VERSION, '-V, --version', 'print the version')
    .option('-v, --verbose', 'log what is done')
    .option('-q, --quiet', 'log nothing but warnings, show no progress')
    .option('--debug', 'show the stack of an error')
    .addOption(
      new Option('--log-format <name>', 'how log lines look').choices(['text', 'json']).default('text'),
    )
    .helpOption('-h, --help', 'print this help')
    .exitOverride()
    .configureOutput({ writeErr: () => {} })
    .hook('preAction', (program) => configure(program.opts<GlobalOptions>()));
}

/** The command that is called: the first argument that is no option, where there is a command of that name. */
function calledCommand(args: readonly string[]): string | undefined {
  const words = args.filter((arg, index) => !arg.startsWith('-') && args[index - 1] !== '--log-format');
  const name = words[0] === 'help' ? words[1] : words[0];
  return name !== undefined && Object.hasOwn(COMMANDS, name) ? name : undefined;
}

async function parse(args: readonly string[]): Promise<void> {
  const program = createProgram();
  const called = calledCommand(args);
  for (const [name, summary] of Object.entries(COMMANDS)) {
    const command = name === called ? await loadCommand(name) : new Command(name);
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
