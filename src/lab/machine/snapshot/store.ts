import { rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { visitOwnDirectory } from '../../../process/own-directory.js';
import { OwnedNames } from '../../../process/owned-names.js';
import { cacheRoot } from '../../cache.js';
import { checksum } from './checksum.js';
import { SnapshotError } from './errors.js';

/** Bytes of all snapshots together; those that were not used for the longest time go first. */
const LIMIT = 2 * 1024 ** 3;

const MANIFEST = 'manifest.json';
const NAMES = new OwnedNames('making-');

/** What is known of a saved machine; every file is checked against it before use. */
interface Manifest {
  /** Where the job lies in Bochs' memory. */
  jobOffset: number;
  files: Record<string, { size: number; crc: number }>;
}

/** A saved machine that is whole. */
export interface Snapshot {
  dir: string;
  jobOffset: number;
}

const root = (): string => join(cacheRoot(), 'snapshots');

/** A directory for a machine that is being saved. */
export async function newPlace(): Promise<string> {
  const dir = join(root(), NAMES.next());
  await mkdir(dir, { recursive: true, mode: 0o700 });
  return dir;
}

async function describe(dir: string, jobOffset: number): Promise<Manifest> {
  const files: Manifest['files'] = {};
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    files[name] = { size: (await stat(path)).size, crc: await checksum(path) };
  }
  return { jobOffset, files };
}

/** Take in a machine that was saved into `place`, which is gone then, under a key; makes room for it. */
export async function keep(place: string, key: string, jobOffset: number): Promise<void> {
  await writeFile(join(place, MANIFEST), JSON.stringify(await describe(place, jobOffset)));
  await rename(place, join(root(), key)).catch(async (error: NodeJS.ErrnoException) => {
    // Another process was quicker.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    await rm(place, { recursive: true, force: true });
  });
  await makeRoom(key);
}

/** Remove a saved machine; what is in use stays until it is not. */
export async function dropSnapshot(key: string): Promise<void> {
  const gone = join(root(), NAMES.next());
  await rename(join(root(), key), gone).catch(() => undefined);
  await rm(gone, { recursive: true, force: true });
}

/**
 * The machine saved under a key, undefined if there is none.
 * @throws SnapshotError if there is, but it is not as it was saved; it is removed
 */
export async function find(key: string): Promise<Snapshot | undefined> {
  const dir = join(root(), key);
  const text = await readFile(join(dir, MANIFEST), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const { jobOffset, files } = JSON.parse(text) as Manifest;
    for (const [name, { size, crc }] of Object.entries(files)) {
      const path = join(dir, name);
      if ((await stat(path)).size !== size || (await checksum(path)) !== crc)
        throw new SnapshotError(`its file ${name} was changed`);
    }
    const now = new Date();
    await utimes(join(dir, MANIFEST), now, now);
    return { dir, jobOffset };
  } catch (error) {
    await dropSnapshot(key);
    throw new SnapshotError(`the saved machine cannot be used: ${(error as Error).message}`);
  }
}

async function sizeOf(dir: string): Promise<number> {
  const names = await readdir(dir);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).blocks * 512));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Remove what was not used for the longest time, until the rest is within the limit; `latest` stays. */
export async function makeRoom(latest: string, limit = LIMIT): Promise<void> {
  const entries: { key: string; size: number; used: number }[] = [];
  for (const key of await readdir(root())) {
    if (!/^[0-9a-f]{16}$/.test(key)) continue;
    const dir = join(root(), key);
    const info = await stat(join(dir, MANIFEST)).catch(() => undefined);
    entries.push({
      key,
      size: await sizeOf(dir).catch(() => 0),
      used: key === latest ? Number.POSITIVE_INFINITY : (info?.mtimeMs ?? 0),
    });
  }
  entries.sort((a, b) => b.used - a.used);
  let total = 0;
  for (const { key, size } of entries) {
    total += size;
    if (total > limit && key !== latest) await dropSnapshot(key);
  }
}

/** Remove what processes that were killed have left half saved. */
export function sweepSnapshots(): void {
  visitOwnDirectory(root(), (name, path) => {
    if (NAMES.isLeft(name)) rmSync(path, { recursive: true, force: true });
  });
}
