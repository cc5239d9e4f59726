import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LabError } from './errors.js';
import { exec } from './exec.js';
import { type LockOptions, withLock } from './lock.js';

/** Root of everything the lab keeps between runs. */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kvm-memtype');
}

/** A short name for content: 16 hex digits of SHA-256 over the parts, each length-prefixed. */
export function contentKey(...parts: (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) {
    hash.update(`${Buffer.byteLength(part)}:`);
    hash.update(part);
  }
  return hash.digest('hex').slice(0, 16);
}

/** SHA-256 of a file, hex. */
export async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

const MARKER = '.complete';
const TEMPORARY = '.tmp-';

/** True when the directory was filled to its end by fillEntry. */
export function isComplete(dir: string): boolean {
  return existsSync(join(dir, MARKER));
}

/**
 * Make sure that a cache directory exists and is whole: filled in a temporary neighbour, marked, then renamed. One process
 * fills, others wait for it. Half-filled neighbours that a killed run left are removed.
 */
export async function fillEntry(
  dir: string,
  fill: (temporary: string) => Promise<void>,
  o: LockOptions = {},
): Promise<string> {
  if (isComplete(dir)) return dir;
  const parent = dirname(dir);
  await mkdir(parent, { recursive: true });
  await sweep(parent);
  const fillOnce = async (): Promise<void> => {
    if (isComplete(dir)) return;
    const temporary = await mkdtemp(join(parent, `${TEMPORARY}${basename(dir)}-`));
    try {
      await fill(temporary);
      await writeFile(join(temporary, MARKER), '');
      await rm(dir, { recursive: true, force: true });
      await rename(temporary, dir);
    } catch (error) {
      const full = (error as NodeJS.ErrnoException).code === 'ENOSPC';
      throw full ? new LabError('LAB_DISK_FULL', `the disk is full: ${parent}`) : error;
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  };
  await withLock(`${dir}.lock`, fillOnce, o);
  return dir;
}

/** Remove what killed runs left half filled anywhere in the cache. */
export async function sweepCache(): Promise<void> {
  const kinds = await readdir(cacheRoot(), { withFileTypes: true }).catch(() => []);
  for (const kind of kinds) if (kind.isDirectory()) await sweep(join(cacheRoot(), kind.name));
}

/** Remove half-filled entries that nobody is filling: those whose lock is free. */
async function sweep(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const entry = new RegExp(`^${TEMPORARY.replace('.', '\\.')}(.+)-[^-]+$`).exec(name)?.[1];
    if (entry)
      await exec('flock', ['--nonblock', join(parent, `${entry}.lock`), 'rm', '-rf', join(parent, name)]);
  }
}
