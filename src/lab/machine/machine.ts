import { readFileSync } from 'node:fs';
import { type Child, type ChildEnd, startChild } from '../../process/child.js';
import { ProcessError } from '../../process/errors.js';
import { labError } from '../exec.js';
import { ConsoleWatch } from './console.js';
import type { Boot, Command } from './engine.js';
import { type LabOutcome, RunWatch } from './outcome.js';
import type { LabRun } from './run.js';
import { LineTail } from './tail.js';

/** Bytes that each serial port may carry; an agent that prints more has run away. */
const CONSOLE_LIMIT = 16 << 20;
const RESULTS_LIMIT = 256 << 20;

/** A machine that has used up so much of that is given no other job. */
const ENOUGH = 1 / 4;

/** How long to wait for the rest of a panic's console output, milliseconds. */
const PANIC_GRACE_MS = 3000;

/** What a machine is to do. */
export interface WatchedRun extends Pick<LabRun, 'timeoutMs' | 'onLine' | 'onConsole' | 'signal'> {
  /** How much of its time the run has used before, milliseconds. */
  usedMs?: number;
  /** The kernel has come to the lab's init. */
  onStart?: () => void;
}

/** An emulator that runs, and what its machine says. */
export class LabMachine {
  /** Settles when the emulator is gone; rejects with a ProcessError if it could not be started. */
  readonly ended: Promise<void>;
  readonly #child: Child;
  readonly #console: LineTail;
  readonly #results: LineTail;
  /** Of what it does, or did last. */
  #watch: RunWatch | undefined;
  #end: ChildEnd | undefined;
  #isGone = false;

  constructor(
    { consoleFile, resultsFile, scratch }: Boot,
    private readonly command: Command,
  ) {
    const stop = (reason: string) => () => this.#watch?.stopFor('timeout', reason);
    this.#console = new LineTail(
      consoleFile,
      (line) => this.#watch?.console(line),
      CONSOLE_LIMIT,
      stop('the console never ends'),
    );
    this.#results = new LineTail(
      resultsFile,
      (line) => this.#watch?.result(line),
      RESULTS_LIMIT,
      stop('the results never end'),
    );
    this.#child = startChild(command.tool, command.args, {
      what: 'the lab run',
      cwd: scratch,
      env: { ...process.env, ...command.env, LC_ALL: 'C' },
      ...(command.withoutSignal && { withoutSignal: command.withoutSignal }),
      detached: true,
      endBy: 'SIGKILL',
    });
    this.ended = this.#follow();
    this.ended.catch(() => {}); // Whoever works with it is told.
  }

  async #follow(): Promise<void> {
    try {
      this.#end = await this.#child.ended;
    } finally {
      this.#isGone = true;
      this.#console.close();
      this.#results.close();
    }
  }

  /** Whether it stands still after a job, and may be given another one: it has not said too much by now. */
  get waits(): boolean {
    if (this.#isGone) return false;
    this.#console.read();
    const isQuiet =
      this.#console.position < CONSOLE_LIMIT * ENOUGH && this.#results.position < RESULTS_LIMIT * ENOUGH;
    return isQuiet && this.#watch?.isWell === true;
  }

  stop(): void {
    this.#child.stop();
  }

  /** Stop it, and wait until it is gone. */
  async end(): Promise<void> {
    this.stop();
    await this.ended.catch(() => {});
  }

  resume(): void {
    this.#child.resume();
  }

  /**
   * Hand out what the machine says until it has done its job, and tell how that ended. If it waits for another one, it stands still then.
   * @param begin called once somebody listens, if it waited
   * @throws LabError LAB_ABORTED, LAB_TOOL_MISSING, LAB_RESOURCES
   */
  async work(run: WatchedRun, begin?: () => void): Promise<LabOutcome> {
    const watch = new RunWatch(new ConsoleWatch(begin !== undefined), run);
    watch.panicGraceMs = PANIC_GRACE_MS;
    watch.onStop = () => this.stop();
    const waits = new Promise<void>((resolve) => {
      watch.onWaits = () => {
        this.#child.pause();
        resolve();
      };
    });
    this.#watch = watch;
    const late = setTimeout(
      () => watch.stopFor('timeout', `no end after ${run.timeoutMs / 1000} s`),
      Math.max(run.timeoutMs - (run.usedMs ?? 0), 1),
    );
    run.signal?.addEventListener('abort', watch.onStop, { once: true });
    if (run.signal?.aborted) this.stop();
    try {
      begin?.();
      await Promise.race([waits, this.ended]);
      if (run.signal?.aborted)
        throw new ProcessError('PROCESS_ABORTED', 'the lab run was stopped', this.command.tool);
      if (!this.#isGone) this.#console.read();
      return watch.outcome(this.#end ?? { status: null, killedBy: null }, this.#log());
    } catch (error) {
      throw labError(error, watch.consoleTail());
    } finally {
      clearTimeout(late);
      run.signal?.removeEventListener('abort', watch.onStop);
      watch.dispose();
    }
  }

  #log(): string {
    let log = (this.#end?.tail ?? []).map((line) => `${line}\n`).join('');
    try {
      if (this.command.logFile) log += readFileSync(this.command.logFile, 'latin1');
    } catch {
      // It died before it opened its log.
    }
    return log;
  }
}

/** Start the emulator, hand out what the machine says, and tell how it ended. The machine is gone then. */
export async function watchRun(run: WatchedRun, boot: Boot, command: Command): Promise<LabOutcome> {
  const machine = new LabMachine(boot, command);
  try {
    return await machine.work(run);
  } finally {
    await machine.end();
  }
}
