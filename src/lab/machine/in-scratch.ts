import { orExhausted } from '../errors.js';
import { makeScratch, removeScratch } from '../scratch.js';

/**
 * Work in a directory of its own, which is gone afterwards.
 * @throws LabError LAB_TEMPORARY, LAB_DISK_FULL, and what `work` throws
 */
export async function inScratch<T>(work: (scratch: string) => Promise<T>): Promise<T> {
  const scratch = makeScratch();
  const cleanUp = (): void => removeScratch(scratch);
  process.once('exit', cleanUp);
  try {
    return await work(scratch);
  } catch (error) {
    throw orExhausted(`cannot write to ${scratch}`, error);
  } finally {
    process.off('exit', cleanUp);
    cleanUp();
  }
}
