import { readFileSync } from 'node:fs';
import { type ChildEnd, startChild } from '../../process/child.js';
import { labError } from '../exec.js';
import { ConsoleWatch } from './console.js';
import type { Boot, Command } from './engine.js';
import { type LabOutcome, RunWatch } from './outcome.js';
import type { LabRun } from './run.js';
import { LineTail } from './tail.js';

/** Bytes that each serial port may carry; an agent that prints more has run away. */
const CONSOLE_LIMIT = 16 << 20;
const RESULTS_LIMIT = 256 << 20;

/** How long to wait for the rest of a panic's console output, milliseconds. */
const PANIC_GRACE_MS = 3000;

interface WatchedRun extends Pick<LabRun, 'timeoutMs' | 'onLine' | 'onConsole' | 'signal'> {
  /** How much of its time the run has used before, milliseconds. */
  usedMs?: number;
  /** The kernel has come to the lab's init. */
  onStart?: () => void;
}

/** Start the emulator, hand out what the machine says, and tell how it ended. */
export async function watchRun(run: WatchedRun, boot: Boot, command: Command): Promise<LabOutcome> {
  const watch = new RunWatch(new ConsoleWatch(), run);
  watch.panicGraceMs = PANIC_GRACE_MS;
  const tails = [
    new LineTail(
      boot.consoleFile,
      (line) => watch.console(line),
      CONSOLE_LIMIT,
      () => watch.stopFor('timeout', 'the console never ends'),
    ),
    new LineTail(
      boot.resultsFile,
      (line) => watch.result(line),
      RESULTS_LIMIT,
      () => watch.stopFor('timeout', 'the results never end'),
    ),
  ];
  try {
    const end = await emulate(run, boot, command, watch).finally(() => {
      for (const tail of tails) tail.close();
    });
    if (end.timedOut) watch.stopFor('timeout', `no end after ${run.timeoutMs / 1000} s`);
    return watch.outcome(end, emulatorLog(command, end.tail));
  } catch (error) {
    throw labError(error, watch.consoleTail());
  } finally {
    watch.dispose();
  }
}

async function emulate(run: WatchedRun, boot: Boot, command: Command, watch: RunWatch): Promise<ChildEnd> {
  const emulator = startChild(command.tool, command.args, {
    what: 'the lab run',
    cwd: boot.scratch,
    env: { ...process.env, ...command.env, LC_ALL: 'C' },
    ...(command.withoutSignal && { withoutSignal: command.withoutSignal }),
    detached: true,
    endBy: 'SIGKILL',
    timeoutMs: Math.max(run.timeoutMs - (run.usedMs ?? 0), 1),
    signal: run.signal,
  });
  watch.onStop = emulator.stop;
  return emulator.ended;
}

function emulatorLog(command: Command, output: readonly string[]): string {
  let log = output.map((line) => `${line}\n`).join('');
  try {
    if (command.logFile) log += readFileSync(command.logFile, 'latin1');
  } catch {
    // It died before it opened its log.
  }
  return log;
}
