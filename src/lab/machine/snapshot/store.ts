import { existsSync, readdirSync, rmSync, type Stats, statSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, statfs, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MIB } from '../../../arch/units.js';
import { visitOwnDirectory } from '../../../process/own-directory.js';
import { OwnedNames } from '../../../process/owned-names.js';
import { cacheRoot } from '../../cache.js';
import { checksum } from './checksum.js';
import { SnapshotError } from './errors.js';

/** MiB of all snapshots together; those that were not used for the longest time go first. */
const LIMIT_MIB = 2048;

/** What a machine takes while it is saved, with room to spare: others write there, too. */
const ROOM = 512 * MIB;

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

/** Bytes that all of them may take; KVM_MEMTYPE_SNAPSHOTS_MIB sets it. */
export function snapshotLimit(env: NodeJS.ProcessEnv = process.env): number {
  const given = env.KVM_MEMTYPE_SNAPSHOTS_MIB ?? '';
  return (/^\d{1,9}$/.test(given) ? Number(given) : LIMIT_MIB) * MIB;
}

const root = (): string => join(cacheRoot(), 'snapshots');

/**
 * A directory for a machine that is being saved.
 * @throws SnapshotError if there is no room for one
 */
export async function newPlace(): Promise<string> {
  const dir = join(root(), NAMES.next());
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(dir);
  if (bavail * bsize >= ROOM) return dir;
  await rm(dir, { recursive: true });
  throw new SnapshotError(`${root()} has no ${ROOM / MIB} MiB free`);
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

/** Files that this process has read and found whole, as they were then. */
const whole = new Set<string>();

async function isWhole(path: string, { size, crc }: Manifest['files'][string]): Promise<boolean> {
  const info = await stat(path);
  const state = `${crc} ${info.dev} ${info.ino} ${info.mtimeMs} ${info.ctimeMs}`;
  if (info.size !== size) return false;
  if (!whole.has(state) && (await checksum(path)) !== crc) return false;
  whole.add(state);
  return true;
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
    for (const [name, expected] of Object.entries(files))
      if (!(await isWhole(join(dir, name), expected)))
        throw new SnapshotError(`its file ${name} was changed`);
    const now = new Date();
    await utimes(join(dir, MANIFEST), now, now);
    return { dir, jobOffset };
  } catch (error) {
    await dropSnapshot(key);
    throw new SnapshotError(`the saved machine cannot be used: ${(error as Error).message}`);
  }
}

/** A saved machine, whole or not. */
interface Entry {
  key: string;
  /** Bytes on the disk. */
  size: number;
  /** When it was last used. */
  used: number;
}

/** Other processes may remove what we look at. */
const statOf = (path: string): Stats | undefined => statSync(path, { throwIfNoEntry: false });

function sizeOf(dir: string): number {
  const names = existsSync(dir) ? readdirSync(dir) : [];
  return names.reduce((sum, name) => sum + (statOf(join(dir, name))?.blocks ?? 0) * 512, 0);
}

/** The machines that are saved. */
export function savedMachines(): Entry[] {
  const names = existsSync(root()) ? readdirSync(root()) : [];
  return names
    .filter((name) => /^[0-9a-f]{16}$/.test(name))
    .map((key) => {
      const dir = join(root(), key);
      return { key, size: sizeOf(dir), used: statOf(join(dir, MANIFEST))?.mtimeMs ?? 0 };
    });
}

/** Remove what was not used for the longest time, until the rest is within the limit; `latest` stays. */
export async function makeRoom(latest: string, limit = snapshotLimit()): Promise<void> {
  const rank = ({ key, used }: Entry): number => (key === latest ? Number.POSITIVE_INFINITY : used);
  let total = 0;
  for (const { key, size } of savedMachines().sort((a, b) => rank(b) - rank(a))) {
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
