import { openCache } from '../cache.js';
import { LabError } from '../errors.js';
import { type Kernel, readKernel } from '../image/bzimage.js';
import { sweepScratch } from '../scratch.js';
import { bochs } from './bochs.js';
import type { Engine } from './engine.js';
import { inScratch } from './in-scratch.js';
import { watchRun } from './machine.js';
import type { LabOutcome } from './outcome.js';
import { fits, isInPlace, prepare } from './prepare.js';
import { qemu } from './qemu.js';
import type { LabEngine, LabRun, SnapshotUse } from './run.js';
import { isSaved, runFromSnapshot } from './snapshot/index.js';
import { preloadLibrary } from './snapshot/preload.js';
import { preloaded } from './snapshot/restore.js';
import { imageOf, runByWaiting } from './waiting.js';

const ENGINES: Record<LabEngine, Engine> = {
  bochs,
  'qemu-tcg': qemu('qemu-tcg'),
  'qemu-kvm': qemu('qemu-kvm'),
};

/** The kernel that was read last: the machines of a run read the same one, which takes longer than many a scenario. */
let last: { image: string | undefined; kernel: Promise<Kernel> } | undefined;

function kernelOf(path: string): Promise<Kernel> {
  const image = imageOf(path);
  if (image !== undefined && last?.image === image) return last.kernel;
  const kernel = readKernel(path);
  last = { image, kernel };
  // What kept it from being read may be over the next time.
  kernel.catch(() => {
    last = undefined;
  });
  return kernel;
}

const isSavable = ({ engine, snapshot }: LabRun & { snapshot: SnapshotUse }, kernel: Kernel): boolean =>
  engine === 'bochs' && fits(snapshot.job, kernel) && isInPlace(kernel);

/** Whether a machine is saved from which a run could begin. What is wrong with the kernel the run itself will tell. */
export async function canRestore(run: LabRun & { snapshot: SnapshotUse }): Promise<boolean> {
  try {
    openCache();
    const kernel = await kernelOf(run.kernel);
    return isSavable(run, kernel) && (await isSaved(run, kernel));
  } catch {
    return false;
  }
}

/**
 * Boot a kernel in an emulated machine, run a Node program inside, and hand out its output line by line.
 *
 * How the run ended is the outcome; a LabError is thrown only if it could not be started, or was aborted.
 *
 * @throws LabError LAB_KERNEL_INVALID, LAB_FILE, LAB_TOOL_MISSING, LAB_BUILD, LAB_CACHE, LAB_TEMPORARY, LAB_DISK_FULL, LAB_ABORTED
 */
export async function runInLab(run: LabRun): Promise<LabOutcome> {
  if (run.signal?.aborted) throw new LabError('LAB_ABORTED', 'the lab run was stopped');
  const { engine, snapshot } = run;
  if (engine === 'bochs' && snapshot !== undefined) {
    const outcome = await runByWaiting({ ...run, snapshot });
    if (outcome !== undefined) return outcome;
  }
  const kernel = await kernelOf(run.kernel);
  openCache();
  sweepScratch();
  if (snapshot !== undefined && isSavable({ ...run, snapshot }, kernel)) {
    const outcome = await runFromSnapshot({ ...run, snapshot }, kernel);
    if (outcome !== undefined) return outcome;
  }
  return inScratch(async (scratch) => {
    const boot = await prepare(run, kernel, scratch);
    const command = await ENGINES[engine](boot);
    if (boot.witness === undefined) return watchRun(run, boot, command);
    return watchRun(run, boot, await preloaded(scratch, await preloadLibrary(), command));
  });
}
