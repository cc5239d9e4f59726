import { existsSync, realpathSync } from 'node:fs';
import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { LabError } from '../errors.js';
import { exec, mustExec } from '../exec.js';
import { makeScratch, removeScratch } from '../scratch.js';
import { CHANGES, COUNTED_FOLDER } from './counted.js';

/** What a kernel that counts keeps beside its image. */
export interface CountedKernel {
  /** A folder of the compiler's notes, one for each object. */
  notes: string;
  /** A folder with the source of KVM as it was compiled, below paths as in a kernel tree. */
  source: string;
  /** What patches changed in it: a unified diff. */
  changes: string;
}

/**
 * Find what the counters of a kernel are read with.
 *
 * @throws LabError LAB_KERNEL_INVALID if it was not built to count
 */
export async function countedKernel(bzImage: string): Promise<CountedKernel> {
  const folder = join(dirname(realpathSync(bzImage)), COUNTED_FOLDER);
  if (!existsSync(join(folder, CHANGES)))
    throw new LabError(
      'LAB_KERNEL_INVALID',
      `${bzImage} does not count what runs: name debian:<version>, or what \`kernel build --counted\` prints`,
    );
  const changes = await readFile(join(folder, CHANGES), 'utf8');
  return { notes: join(folder, 'notes'), source: join(folder, 'source'), changes };
}

/** The counters of one object: a path below the notes' folder, and what is in its file. */
export interface ObjectCounters {
  name: string;
  bytes: Uint8Array;
}

const OUTPUT = '.gcov.json.gz';
/** Of KVM's largest object it is a hundredth of that. */
const MOST_JSON = 256 << 20;

/**
 * Have gcov read the counters of one machine. What comes back is its JSON, a document for each object.
 *
 * @throws LabError LAB_BUILD, LAB_TOOL_MISSING, LAB_TEMPORARY, LAB_DISK_FULL, LAB_ABORTED
 */
export async function readCounters(
  { notes }: CountedKernel,
  objects: readonly ObjectCounters[],
  signal?: AbortSignal,
): Promise<unknown[]> {
  const dir = makeScratch();
  try {
    await cp(notes, dir, { recursive: true });
    for (const { name, bytes } of objects) {
      if (!existsSync(join(dir, name.replace(/\.gcda$/, '.gcno'))))
        throw new LabError('LAB_BUILD', `the kernel counted in ${name}, which was not built with it`);
      await writeFile(join(dir, name), bytes);
    }
    const args = ['--json-format', '--branch-probabilities', '--preserve-paths'];
    await mustExec('gcov', [...args, ...objects.map(({ name }) => name)], {
      cwd: dir,
      signal,
      code: 'LAB_BUILD',
      what: 'cannot read what the kernel counted',
    });
    const files = (await readdir(dir)).filter((name) => name.endsWith(OUTPUT)).sort();
    return await Promise.all(files.map((name) => readGzip(join(dir, name))));
  } finally {
    removeScratch(dir);
  }
}

async function readGzip(file: string): Promise<unknown> {
  const json = await promisify(gunzip)(await readFile(file), { maxOutputLength: MOST_JSON });
  return JSON.parse(json.toString());
}

/**
 * Make sure that pages can be made: better before a run than after it.
 *
 * @throws LabError LAB_TOOL_MISSING
 */
export async function mustHaveGenhtml(): Promise<void> {
  await exec('genhtml', ['--version']);
}

/**
 * Have genhtml make pages of an LCOV file whose paths are below `source`.
 *
 * @throws LabError LAB_BUILD, LAB_TOOL_MISSING, LAB_DISK_FULL, LAB_ABORTED
 */
export async function writePages(
  { lcov, folder, title, source }: { lcov: string; folder: string; title: string; source: string },
  signal?: AbortSignal,
): Promise<void> {
  const args = ['--branch-coverage', '--quiet', '--title', title, '--prefix', source];
  await mustExec('genhtml', [...args, '--output-directory', folder, lcov], {
    signal,
    code: 'LAB_BUILD',
    what: `cannot make pages in ${folder}`,
  });
}
