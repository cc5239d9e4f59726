import { createHash } from 'node:crypto';
import { BOOT_PARAMS } from '../../formats/bzimage.js';
import { readBzImage } from './bzimage.js';

/** What tells one kernel image from another, without booting it. */
export interface ImageIdentity {
  /** Of the whole file, in hexadecimal. */
  sha256: string;
  /** `uname -r`, if the image tells. */
  release?: string;
}

/** What the setup header counts the place of the version from. */
const VERSION_BASE = 0x200;
const VERSION_LIMIT = 1024;

/** The first word of `6.1.192 (who@where) #1 SMP ...`. */
export function releaseOf(image: Buffer): string | undefined {
  const offset = image.readUInt16LE(BOOT_PARAMS.kernelVersion);
  if (offset === 0) return undefined;
  const start = VERSION_BASE + offset;
  const text = image.toString('latin1', start, start + VERSION_LIMIT);
  return /^[\x21-\x7e]{1,64}(?= )/.exec(text)?.[0];
}

/**
 * Identify a kernel image.
 * @throws LabError LAB_KERNEL_INVALID, LAB_FILE
 */
export async function identifyImage(path: string): Promise<ImageIdentity> {
  const image = await readBzImage(path);
  const release = releaseOf(image);
  const sha256 = createHash('sha256').update(image).digest('hex');
  return release === undefined ? { sha256 } : { sha256, release };
}
