import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/** Write files one after the other into a new one. */
export async function concatenate(sources: readonly string[], target: string): Promise<void> {
  for (const [index, source] of sources.entries())
    await pipeline(createReadStream(source), createWriteStream(target, { flags: index === 0 ? 'w' : 'a' }));
}
