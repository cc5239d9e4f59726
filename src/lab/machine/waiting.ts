import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { builtEmulator } from '../emulator/built.js';
import { LINKS } from './bochs.js';
import type { LabMachine } from './machine.js';
import type { LabOutcome } from './outcome.js';
import { type LabRun, NEXT_JOB, type SnapshotUse } from './run.js';

/** Most machines that wait; the one that has waited longest makes room. */
const MOST = 8;

/** A machine that has done its job and stands still, and the file that is its job's memory. */
interface Waiting {
  /** What it is: another one with the same key does the same. */
  key: string;
  machine: LabMachine;
  file: string;
  /** Jobs that it was given while it ran. */
  jobs: number;
}

/** Of this process. */
let holders = 0;
const waiting: Waiting[] = [];
/** Of each machine that was kept: settles when its directory is gone. */
const lives = new Set<Promise<void>>();

/** Whether machines that have done their job are kept for another one. */
export const areKept = (): boolean => holders > 0;

/**
 * Keep restored machines that have done their job, for runs of the same kernel to come: those need no start. Whoever no longer wants
 * that disposes of what it gets; the last to do so ends the machines.
 */
export function keepMachines(): AsyncDisposable {
  holders++;
  return {
    async [Symbol.asyncDispose]() {
      holders--;
      if (holders > 0) return;
      for (const { machine } of waiting.splice(0)) machine.stop();
      await Promise.allSettled(lives);
    },
  };
}

/** Tells an image by its file: to read and unpack it takes longer than many a run. Undefined where that cannot be looked at. */
export function imageOf(path: string): string | undefined {
  try {
    const { dev, ino, size, mtimeMs } = statSync(path);
    return [path, dev, ino, size, mtimeMs].join(' ');
  } catch {
    return undefined;
  }
}

/** What a run needs of a machine. */
const keyOf = ({ kernel, engine, params = [], gibPage = false, witness = false }: LabRun): string =>
  JSON.stringify([imageOf(kernel), engine, params, gibPage, witness, builtEmulator()]);

/** Keep a machine of a run whose directory is `scratch`. It must be waiting. */
export function keep(run: LabRun, machine: LabMachine, scratch: string): void {
  put({ key: keyOf(run), machine, file: join(scratch, LINKS.job), jobs: 0 });
}

/** Wait for a machine's life at the end. */
export function keepTrack(life: Promise<void>): void {
  lives.add(life);
  const forget = (): void => void lives.delete(life);
  life.then(forget, forget);
}

function put(one: Waiting): void {
  waiting.push(one);
  if (waiting.length > MOST || !areKept()) waiting.shift()?.machine.stop();
}

function take(key: string): Waiting | undefined {
  for (;;) {
    const index = waiting.findLastIndex((one) => one.key === key);
    if (index < 0) return undefined;
    const [one] = waiting.splice(index, 1) as [Waiting];
    if (one.machine.waits) return one;
    one.machine.stop();
  }
}

/** Put a job into a machine's memory; its number comes last, as the machine goes by that. */
function give(one: Waiting, job: string): void {
  const word = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    return bytes;
  };
  const bytes = Buffer.from(job);
  const fd = openSync(one.file, 'r+');
  try {
    one.jobs++;
    writeSync(fd, bytes, 0, bytes.length, 0);
    writeSync(fd, word(bytes.length), 0, 4, NEXT_JOB.offset + 4);
    writeSync(fd, word(one.jobs), 0, 4, NEXT_JOB.offset);
  } finally {
    closeSync(fd);
  }
}

/**
 * Have a machine that waits do a run, if there is one.
 *
 * @returns undefined if there is none: it is to be started
 * @throws LabError LAB_ABORTED
 */
export async function runByWaiting(run: LabRun & { snapshot: SnapshotUse }): Promise<LabOutcome | undefined> {
  const { job, onProblem } = run.snapshot;
  if (!areKept() || Buffer.byteLength(job) >= NEXT_JOB.offset) return undefined;
  const one = take(keyOf(run));
  if (one === undefined) return undefined;
  let heard = false;
  const onLine = (line: string): void => {
    heard = true;
    run.onLine(line);
  };
  const { machine } = one;
  try {
    const outcome = await machine.work({ ...run, onLine }, () => {
      give(one, job);
      machine.resume();
    });
    if (heard || outcome.kind === 'timeout') return outcome;
    const why = outcome.kind === 'done' ? 'it said nothing' : outcome.reason;
    onProblem(`a machine that had waited for work is gone, and another one does it: ${why}`);
  } catch (error) {
    if (heard || run.signal?.aborted) throw error;
    onProblem(`a machine that waits cannot be given work: ${(error as Error).message}`);
  } finally {
    if (heard && machine.waits) put(one);
    else machine.stop();
  }
  return undefined;
}
