import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheRoot, contentKey, fillEntry } from '../../cache.js';
import { mustExec } from '../../exec.js';

const fromGuests = (path: string): string =>
  fileURLToPath(new URL(`../../../../guests/${path}`, import.meta.url));
const SOURCES = ['lab/snapshot.c', 'lab/witness.c'].map(fromGuests);
const HEADERS = ['lab/preload.h', 'probe.h'].map(fromGuests);

/** The library that lets Bochs save, restore and be a witness, compiled once for each version of its sources. */
export async function preloadLibrary(): Promise<string> {
  const key = contentKey(...(await Promise.all([...SOURCES, ...HEADERS].map((path) => readFile(path)))));
  const dir = await fillEntry(
    join(cacheRoot(), 'init', `snapshot-${key}`),
    ['snapshot.so'],
    async (temporary) => {
      const args = ['-shared', '-fPIC', '-O2', '-Wall', '-o', join(temporary, 'snapshot.so'), ...SOURCES];
      await mustExec('gcc', args, {
        code: 'LAB_BUILD',
        what: 'cannot compile what saves the lab’s machines',
      });
    },
  );
  return join(dir, 'snapshot.so');
}
