import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot, contentKey, fillEntry } from '../../cache.js';
import { mustExec } from '../../exec.js';

const SOURCE = fileURLToPath(new URL('../../../../guests/lab/snapshot.c', import.meta.url));

/** The library that lets Bochs save and restore, compiled once for each version of its source. */
export async function preloadLibrary(): Promise<string> {
  const key = contentKey(await readFile(SOURCE));
  const dir = await fillEntry(
    join(cacheRoot(), 'init', `snapshot-${key}`),
    ['snapshot.so'],
    async (temporary) => {
      const args = ['-shared', '-fPIC', '-O2', '-Wall', '-o', join(temporary, 'snapshot.so'), SOURCE];
      await mustExec('gcc', args, {
        code: 'LAB_BUILD',
        what: 'cannot compile what saves the lab’s machines',
      });
    },
  );
  return join(dir, 'snapshot.so');
}
