import { createInterface } from 'node:readline';
import { Command, Option } from 'commander';
import { keepMachines } from '../../../lab/index.js';
import type { Environment } from '../../../recording/recording.js';
import { examine } from '../../../session/examine.js';
import { safeLine } from '../../../text/safe.js';
import { sentenceOf, UsageError } from '../../errors.js';
import { addHelp, type Help, USAGE_STATUS } from '../../options/help.js';
import { addParameters, addSnapshot, type TargetOptions, targetOf } from '../../options/target.js';
import { kernel, seconds } from '../../options/values.js';
import { DEFAULT_TIMEOUT } from '../../program/rerun.js';
import { wordsOf } from '../../program/words.js';
import { interrupted } from '../../terminal/interrupt.js';
import { log } from '../../terminal/log.js';
import { clearProgressLine, withProgress } from '../../terminal/progress.js';
import { say } from '../../terminal/say.js';
import { addBuildEmulator } from './build-emulator.js';

interface LabOptions extends Omit<TargetOptions, 'kernel'> {
  kernel: string;
  param: readonly string[];
  snapshot: boolean;
  timeout: number;
}

/** Runs a command line to its end, tells of its error, and sets process.exitCode. */
export type RunLine = (args: readonly string[]) => Promise<void>;

const PROMPT = 'lab> ';
/** Commands that run on the session's kernel; the others take what they are given. */
const ON_KERNEL = ['run', 'fuzz'];
const END = ['quit', 'exit'];

const HELP: Help = {
  what:
    'Give commands one after another for a kernel in the lab, each line as behind `kvm-memtype`: run and fuzz take that kernel. Its ' +
    'machine is booted once, and waits for the next command after each. quit, or the end of the input, ends the session.',
  examples: [
    ['lab --kernel debian:6.1', "a session with Debian's 6.1; it is built first"],
    ['lab --kernel bzImage --param kvm.tdp_mmu=N < commands', 'what a file has, a command a line'],
  ],
  statuses: [[0, 'every command ended with 0'], ['n', 'the highest status of any'], USAGE_STATUS],
};

/** Boot the kernel once, and tell what it is; from then on a machine is saved. */
async function open(options: LabOptions): Promise<Environment> {
  const name = options.kernel;
  const target = await targetOf({ ...options, kernel: [name] }, name);
  return withProgress(`asking ${name}`, () =>
    examine(target, {
      timeoutMs: options.timeout * 1000,
      signal: interrupted,
      onConsole: (line) => log().debug({ kernel: name }, line),
      onProblem: (text) => log().warn({ kernel: name }, text),
    }),
  );
}

/**
 * What a line of the session asks for, as arguments of the program.
 * @throws UsageError
 */
export function argumentsOf(
  words: readonly string[],
  { kernel, engine, param, snapshot }: Pick<LabOptions, 'kernel' | 'engine' | 'param' | 'snapshot'>,
): string[] {
  const [name = ''] = words;
  if (name === 'lab') throw new UsageError('this is a session of the lab already');
  if (words.includes('-'))
    throw new UsageError('standard input has the commands of this session: name a file instead of -');
  if (!ON_KERNEL.includes(name)) return [...words];
  const target = ['--kernel', kernel, '--engine', engine, ...param.flatMap((one) => ['--param', one])];
  return [...words, ...target, ...(snapshot ? [] : ['--no-snapshot'])];
}

/** Run a line, and give its status. */
async function answer(
  line: string,
  globals: readonly string[],
  o: LabOptions,
  run: RunLine,
): Promise<number> {
  process.exitCode = 0;
  try {
    const words = wordsOf(line);
    if (words.length > 0) await run([...globals, ...argumentsOf(words, o)]);
  } catch (error) {
    say(sentenceOf(error));
    process.exitCode = 2;
  }
  return Number(process.exitCode);
}

async function session(options: LabOptions, globals: readonly string[], run: RunLine): Promise<void> {
  await using _ = keepMachines();
  const { release, paging } = await open(options);
  process.stdout.write(`${safeLine(`${options.kernel}: Linux ${release}, ${paging}`)}\n`);
  const isTerminal = process.stdin.isTTY === true && process.stdout.isTTY === true;
  const lines = createInterface({
    input: process.stdin,
    prompt: PROMPT,
    ...(isTerminal && { output: process.stdout }),
  });
  // A terminal that edits lines hands Ctrl-C to us.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
  interrupted.addEventListener('abort', () => lines.close());
  const prompt = (): void => {
    clearProgressLine();
    if (isTerminal) lines.prompt();
  };
  let status = 0;
  prompt();
  for await (const line of lines) {
    if (interrupted.aborted || END.includes(line.trim())) break;
    status = Math.max(status, await answer(line, globals, options, run));
    prompt();
  }
  lines.close();
  process.exitCode = status;
}

/** `kvm-memtype lab`. */
export function labCommand(run: RunLine): Command {
  const command = addHelp(new Command('lab'), HELP)
    .addOption(
      new Option('--kernel <image>', 'this bzImage, or debian:<version>').argParser((text) => kernel(text)),
    )
    .addOption(
      new Option('--engine <name>', 'where it is booted')
        .choices(['auto', 'bochs', 'qemu-tcg'])
        .default('auto'),
    )
    .option('--timeout <seconds>', 'give up on the kernel after this long', seconds, DEFAULT_TIMEOUT);
  addSnapshot(addParameters(command, 'the kernel'));
  addBuildEmulator(command);
  return command.action((options: LabOptions) => {
    // To commander a mandatory option of a command is one of its subcommands, too.
    if (options.kernel === undefined)
      command.error("error: required option '--kernel <image>' not specified");
    const { quiet, verbose } = command.optsWithGlobals<{ quiet?: boolean; verbose?: boolean }>();
    return session(options, [...(quiet ? ['--quiet'] : []), ...(verbose ? ['--verbose'] : [])], run);
  });
}
