import { openCache } from '../cache.js';
import { LabError } from '../errors.js';
import { readKernel } from '../image/bzimage.js';
import { sweepScratch } from '../scratch.js';
import { bochs } from './bochs.js';
import type { Engine } from './engine.js';
import { inScratch } from './in-scratch.js';
import { watchRun } from './machine.js';
import type { LabOutcome } from './outcome.js';
import { fits, isInPlace, prepare } from './prepare.js';
import { qemu } from './qemu.js';
import type { LabEngine, LabRun } from './run.js';
import { runFromSnapshot } from './snapshot/index.js';
import { preloadLibrary } from './snapshot/preload.js';
import { preloaded } from './snapshot/restore.js';
import { runByWaiting } from './waiting.js';

const ENGINES: Record<LabEngine, Engine> = {
  bochs,
  'qemu-tcg': qemu('qemu-tcg'),
  'qemu-kvm': qemu('qemu-kvm'),
};

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
  const waited = engine === 'bochs' && snapshot !== undefined && (await runByWaiting({ ...run, snapshot }));
  if (waited) return waited;
  const kernel = await readKernel(run.kernel);
  openCache();
  sweepScratch();
  if (engine === 'bochs' && snapshot !== undefined && fits(snapshot.job, kernel) && isInPlace(kernel)) {
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
