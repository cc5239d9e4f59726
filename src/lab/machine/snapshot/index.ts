import { LabError } from '../../errors.js';
import type { Kernel } from '../../image/bzimage.js';
import { BOCHS_FILES } from '../bochs.js';
import type { Boot, Command } from '../engine.js';
import { inScratch } from '../in-scratch.js';
import { LabMachine, watchRun } from '../machine.js';
import type { LabOutcome } from '../outcome.js';
import { prepare } from '../prepare.js';
import type { LabRun, SnapshotUse } from '../run.js';
import { areKept, keep, keepTrack } from '../waiting.js';
import { savingProgram } from './emulator.js';
import { SnapshotError } from './errors.js';
import { snapshotKey } from './key.js';
import { preloadLibrary } from './preload.js';
import { restorer, restoring } from './restore.js';
import { save, underWay } from './saving.js';
import { dropSnapshot, find } from './store.js';

type SnapshotRun = LabRun & { snapshot: SnapshotUse };

/** What came of a run: it went as it should, it shows that the machine is not sound, or it was stopped before its end. */
type Came = 'sound' | 'unsound' | 'stopped';

/** What was told already: each machine of a run, and each run of a process, would say the same. */
const told = new Set<string>();

/** How a machine is to be had. */
interface Way {
  command: Command;
  /** Whether it boots first. */
  boots: boolean;
  /** Called once, when the machine is gone. */
  end: (came: Came) => Promise<void>;
}

/** Whether there is a saved machine for a run. */
export async function isSaved(run: SnapshotRun, kernel: Kernel): Promise<boolean> {
  const { files, args, job, onProblem } = run.snapshot;
  return inScratch(async (scratch) => {
    const identity = await identify(await prepare({ ...run, files, args }, kernel, scratch, job));
    return identity !== undefined && (await findOrTell(identity.key, onProblem)) !== undefined;
  });
}

/**
 * Run by a saved machine, or by one that is booted and saved on its way.
 *
 * @returns undefined if it has to be booted without
 * @throws LabError LAB_ABORTED, and if results came before the error, any other
 */
export async function runFromSnapshot(run: SnapshotRun, kernel: Kernel): Promise<LabOutcome | undefined> {
  const { files, args, job } = run.snapshot;
  const onProblem = (text: string): void => {
    if (!told.has(text)) run.snapshot.onProblem(text);
    told.add(text);
  };
  const since = Date.now();
  let [started, heard] = [false, false];
  const watched = {
    ...run,
    onStart: () => {
      started = true;
    },
    onLine: (line: string): void => {
      heard = true;
      run.onLine(line);
    },
  };
  const attempt = async (scratch: string): Promise<Attempt> => {
    const boot = await prepare({ ...run, files, args }, kernel, scratch, job);
    const way = await wayFor(boot, onProblem);
    if (way === undefined) return {};
    const end = (came: Came): Promise<void> =>
      way.end(came).catch((error: Error) => onProblem(`the machine is not saved: ${error.message}`));
    const usedMs = Date.now() - since;
    const machine = new LabMachine(boot, way.command);
    let outcome: LabOutcome;
    let isKept = false;
    try {
      outcome = await machine.work({ ...watched, usedMs });
      isKept = heard && !way.boots && areKept() && machine.waits;
    } catch (error) {
      await end('stopped');
      throw error;
    } finally {
      if (!isKept) await machine.end();
    }
    await end(heard && outcome.kind !== 'emulator-died' ? 'sound' : 'unsound');
    if (isKept) keep(run, machine, scratch);
    // A kernel that never got to its agent would not without us either; what dies of the warm-up is to tell of which scenario.
    if (heard || (way.boots && !started && outcome.kind !== 'emulator-died'))
      return { outcome, ...(isKept && { machine }) };
    throw new SnapshotError(saidNothing(outcome));
  };
  try {
    const dead = restorer(run) === undefined ? undefined : await saveAlone(run, kernel, onProblem);
    return dead ?? (await untilItWaits(attempt));
  } catch (error) {
    if (heard || (error instanceof LabError && error.code === 'LAB_ABORTED')) throw error;
    onProblem(`no saved machine is used: ${(error as Error).message}`);
    return undefined;
  }
}

/** What came of a machine, which waits now if it is there. */
interface Attempt {
  outcome?: LabOutcome;
  machine?: LabMachine;
}

/** The outcome is there before the machine is gone, where that waits; its directory stays as long as it does. */
function untilItWaits(attempt: (scratch: string) => Promise<Attempt>): Promise<LabOutcome | undefined> {
  return new Promise((resolve, reject) => {
    const life = inScratch(async (scratch) => {
      const { outcome, machine } = await attempt(scratch);
      if (machine !== undefined) resolve(outcome);
      await machine?.ended;
      return outcome;
    });
    life.then(resolve, reject);
    keepTrack(life.then(() => {}));
  });
}

const saidNothing = (outcome: LabOutcome): string =>
  outcome.kind === 'done' ? 'its agent said nothing' : outcome.reason;

/** What a boot's saved machine is called, and the library that saves and restores; undefined where Bochs is not installed: a boot says so. */
async function identify(boot: Boot): Promise<{ key: string; library: string } | undefined> {
  const { tool, roms } = BOCHS_FILES;
  const program = savingProgram(tool);
  if (program === undefined) return undefined;
  const library = await preloadLibrary();
  return { key: await snapshotKey(boot, program, [...roms, library]), library };
}

/** The machine saved under a key; what is wrong with it is told. */
const findOrTell = (key: string, onProblem: (text: string) => void): ReturnType<typeof find> =>
  find(key).catch((error: unknown) => {
    if (!(error instanceof SnapshotError)) throw error;
    onProblem(error.message);
    return undefined;
  });

async function wayFor(boot: Boot, onProblem: (text: string) => void): Promise<Way | undefined> {
  const identity = await identify(boot);
  if (identity === undefined) return undefined;
  const { key, library } = identity;
  const found = await findOrTell(key, onProblem);
  if (found !== undefined) {
    const command = await restoring(boot, found, library);
    const end = async (came: Came): Promise<void> => (came === 'unsound' ? dropSnapshot(key) : undefined);
    return { command, boots: false, end };
  }
  if (underWay(key) !== undefined) return undefined;
  const { command, end } = await save(boot, key, library);
  return { command, boots: true, end: (came) => end(came === 'sound') };
}

/**
 * Boot and save a machine, and do no more with it: the emulator that was built restores it and then runs it in less time than the
 * one that boots. If that fails, the machine is not there, and is booted and saved on its way.
 *
 * @returns how it ended where the kernel never got to its agent: it would not another time
 */
async function saveAlone(
  run: SnapshotRun,
  kernel: Kernel,
  onProblem: (text: string) => void,
): Promise<LabOutcome | undefined> {
  const { files, args, job } = run.snapshot;
  return inScratch(async (scratch) => {
    const boot = { ...(await prepare({ ...run, files, args }, kernel, scratch, job)), endsSaved: true };
    const identity = await identify(boot);
    if (identity === undefined) return undefined;
    const { key, library } = identity;
    const others = underWay(key);
    await others;
    if (others !== undefined || (await findOrTell(key, onProblem)) !== undefined) return undefined;
    const { command, end } = await save(boot, key, library);
    let started = false;
    const onStart = (): void => {
      started = true;
    };
    let outcome: LabOutcome | undefined;
    try {
      outcome = await watchRun({ ...run, onStart, onLine: () => {} }, boot, command);
    } finally {
      // Where the agent has ended, the machine was saved too late. It is booted again, which tells.
      await end(started && outcome !== undefined && outcome.kind !== 'done').catch(() => {});
    }
    return started || outcome.kind === 'emulator-died' ? undefined : outcome;
  });
}
