import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { type ReadLimit, readInput } from '../process/read-file.js';
import { LabError } from './errors.js';

/**
 * Read a file that the user named.
 *
 * @throws LabError LAB_FILE
 */
export async function readNamed(path: string, limit: ReadLimit): Promise<Buffer> {
  return readInput(path, limit).catch((error: Error) => {
    throw new LabError('LAB_FILE', error.message);
  });
}

/** Write files one after the other into a new one. */
export async function concatenate(sources: readonly string[], target: string): Promise<void> {
  for (const [index, source] of sources.entries())
    await pipeline(createReadStream(source), createWriteStream(target, { flags: index === 0 ? 'w' : 'a' }));
}
