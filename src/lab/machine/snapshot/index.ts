import { existsSync } from 'node:fs';
import { copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabError } from '../../errors.js';
import type { Kernel } from '../../image/bzimage.js';
import { BOCHS_FILES, bochs, LINKS } from '../bochs.js';
import type { Boot, Command } from '../engine.js';
import { inScratch } from '../in-scratch.js';
import type { LabOutcome } from '../outcome.js';
import { prepare } from '../prepare.js';
import type { LabRun, SnapshotUse } from '../run.js';
import { watchRun } from '../watch.js';
import { savingProgram } from './emulator.js';
import { SnapshotError } from './errors.js';
import { snapshotKey } from './key.js';
import { preloadLibrary } from './preload.js';
import { restoring, saving } from './restore.js';
import { dropSnapshot, find, keep, newPlace } from './store.js';
import { hostOffset, type Trimmed, trims } from './trim.js';

type SnapshotRun = LabRun & { snapshot: SnapshotUse };

/** Keys of machines that this process is saving: one of those that run side by side does. */
const making = new Set<string>();

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
  const attempt = async (scratch: string): Promise<LabOutcome | undefined> => {
    const boot = await prepare({ ...run, files, args }, kernel, scratch, job);
    const way = await wayFor(boot, onProblem);
    if (way === undefined) return undefined;
    const end = (came: Came): Promise<void> =>
      way.end(came).catch((error: Error) => onProblem(`the machine is not saved: ${error.message}`));
    const outcome = await watchRun(watched, boot, way.command).catch(async (error: unknown) => {
      await end('stopped');
      throw error;
    });
    await end(heard && outcome.kind !== 'emulator-died' ? 'sound' : 'unsound');
    // A kernel that never got to its agent would not without us either; what dies of the warm-up is to tell of which scenario.
    if (heard || (way.boots && !started && outcome.kind !== 'emulator-died')) return outcome;
    throw new SnapshotError(saidNothing(outcome));
  };
  try {
    return await inScratch(attempt);
  } catch (error) {
    if (heard || (error instanceof LabError && error.code === 'LAB_ABORTED')) throw error;
    onProblem(`no saved machine is used: ${(error as Error).message}`);
    return undefined;
  }
}

const saidNothing = (outcome: LabOutcome): string =>
  outcome.kind === 'done' ? 'its agent said nothing' : outcome.reason;

async function wayFor(boot: Boot, onProblem: (text: string) => void): Promise<Way | undefined> {
  const { tool, roms } = BOCHS_FILES;
  const program = savingProgram(tool);
  if (program === undefined) return undefined; // A boot says so.
  const library = await preloadLibrary();
  const key = await snapshotKey(boot, program, [...roms, library]);
  const found = await find(key).catch((error: unknown) => {
    if (!(error instanceof SnapshotError)) throw error;
    onProblem(error.message);
    return undefined;
  });
  if (found !== undefined) {
    const command = await restoring(boot, found, library);
    return {
      command,
      boots: false,
      end: async (came) => (came === 'unsound' ? dropSnapshot(key) : undefined),
    };
  }
  return making.has(key) ? undefined : await wayToSave(boot, key, library);
}

async function wayToSave(boot: Boot, key: string, library: string): Promise<Way> {
  making.add(key);
  const place = await newPlace();
  const end = async (came: Came): Promise<void> => {
    try {
      if (came === 'sound') await finish(boot, place, key);
    } finally {
      making.delete(key);
      await rm(place, { recursive: true, force: true });
    }
  };
  return { command: await saving(boot, { place, library }, bochs), boots: true, end };
}

/** Make a machine that Bochs has saved ready for use. */
async function finish({ job, scratch }: Boot, place: string, key: string): Promise<void> {
  if (!existsSync(join(place, 'saved'))) throw new SnapshotError('Bochs did not save it');
  const log = await readFile(join(scratch, 'bochs.log'), 'latin1');
  for (const [name, trim] of Object.entries(trims) as [Trimmed, (text: string, log: string) => string][]) {
    const path = join(place, name);
    await writeFile(path, trim(await readFile(path, 'latin1'), log), 'latin1');
  }
  await copyFile(join(scratch, LINKS.rom), join(place, LINKS.rom));
  const { address, content } = job as NonNullable<Boot['job']>;
  await keep(
    place,
    key,
    hostOffset(await readFile(join(place, 'memory'), 'latin1'), address, content.length),
  );
}
