import { Command, Option } from 'commander';
import { addHelp, type Help, USAGE_STATUS } from '../options/help.js';
import { VERSION } from './version.js';

/** Every command: its module under commands/ exports `<name>Command()`. */
export const COMMANDS: Readonly<Record<string, string>> = {
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
  completion: 'print what completes commands, options and names in a shell',
  man: 'print the manual page',
};

/** Folders of commands that are not in `commands/` itself. */
const FOLDERS: Readonly<Record<string, string>> = {
  bisect: 'history/',
  compare: 'history/',
  series: 'history/',
  campaign: 'fleet/',
  worker: 'fleet/',
  lab: 'live/',
  watch: 'live/',
  repro: 'scenarios/',
  completion: 'shell/',
  man: 'shell/',
};

const moduleOf = (name: string): URL =>
  new URL(`../commands/${FOLDERS[name] ?? ''}${name}.js`, import.meta.url);

/** Runs a command line to its end, for a command that is given others. */
type RunLine = (args: readonly string[]) => Promise<void>;

/** One command, with its options; no other is loaded. */
export async function loadCommand(name: string, runLine: RunLine): Promise<Command> {
  const module = (await import(moduleOf(name).href)) as Record<string, (run: RunLine) => Command>;
  const create = module[`${name}Command`];
  if (!create) throw new Error(`the module of the command ${name} exports no ${name}Command()`);
  return create(runLine);
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

/** The program, without its commands. */
export const createProgram = (): Command =>
  addHelp(new Command('kvm-memtype'), HELP)
    .version(VERSION, '-V, --version', 'print the version')
    .option('-v, --verbose', 'log what is done')
    .option('-q, --quiet', 'log nothing but warnings, show no progress')
    .option('--debug', 'show the stack of an error')
    .addOption(
      new Option('--log-format <name>', 'how log lines look').choices(['text', 'json']).default('text'),
    )
    .helpOption('-h, --help', 'print this help');

/** The program with every command and all their options, to be looked at: it runs none. */
export async function wholeProgram(): Promise<Command> {
  const program = createProgram();
  for (const [name, summary] of Object.entries(COMMANDS))
    program.addCommand((await loadCommand(name, async () => {})).summary(summary));
  return program;
}
