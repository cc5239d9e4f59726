import { createHash } from 'node:crypto';
import { accessSync, constants, createReadStream, existsSync, mkdirSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { LockOptions } from '../process/lock.js';
import { LabError, orExhausted } from './errors.js';
import { exec, withLock } from './exec.js';

/**
 * Root of everything the lab keeps between runs. A relative XDG_CACHE_HOME is ignored, as the XDG Base Directory Specification says.
 *
 * @throws LabError LAB_CACHE
 */
export function cacheRoot(env: NodeJS.ProcessEnv = process.env): string {
  const given = env.XDG_CACHE_HOME ?? '';
  return join(isAbsolute(given) ? given : join(homeDirectory(), '.cache'), 'kvm-memtype');
}

function homeDirectory(): string {
  let home = '';
  try {
    home = homedir();
  } catch {
    // There is neither HOME nor a user of our number.
  }
  if (isAbsolute(home)) return home;
  throw new LabError('LAB_CACHE', 'there is no home directory: set XDG_CACHE_HOME to an absolute path');
}

const CACHE_REASONS: Record<string, string> = {
  EACCES: 'no permission',
  EEXIST: 'it is not a folder',
  ENOTDIR: 'a part of its path is not a folder',
  EROFS: 'the file system is read-only',
};

/**
 * Make sure that the cache is there, and ours alone: what is in it is run. Call it before anything is put there.
 *
 * @throws LabError LAB_CACHE, LAB_DISK_FULL
 */
export function openCache(): void {
  const root = cacheRoot();
  const refuse = (reason: string): never => {
    throw new LabError('LAB_CACHE', `${reason}: set XDG_CACHE_HOME to a folder of your own`);
  };
  try {
    makeFolders(root);
    accessSync(root, constants.W_OK);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const cause = orExhausted(`cannot write to ${root}`, error);
    if (cause instanceof LabError) throw cause;
    refuse(`cannot use the cache ${root} (${CACHE_REASONS[code] ?? message})`);
  }
  const { uid, mode } = statSync(root);
  if (uid !== process.geteuid?.()) refuse(`the cache ${root} belongs to user ${uid}`);
  if (mode & 0o002) refuse(`everybody can write to the cache ${root}`);
}

/** Not by Node's own `recursive`: below /proc it never ends. */
function makeFolders(path: string, hasParent = false): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && statSync(path).isDirectory()) return;
    if (code !== 'ENOENT' || hasParent) throw error;
    makeFolders(dirname(path));
    makeFolders(path, true);
  }
}

/** Whether there is a cache, and it is ours alone. */
function isOwnCache(): boolean {
  try {
    if (!existsSync(cacheRoot())) return false;
    openCache();
    return true;
  } catch {
    return false;
  }
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

/** True when the directory was filled to its end by fillEntry, and nobody has taken one of its `files` away since, or emptied it. */
export function isComplete(dir: string, files: readonly string[]): boolean {
  const isWhole = (file: string): boolean => {
    const info = statSync(join(dir, file), { throwIfNoEntry: false });
    return info?.isFile() === true && info.size > 0;
  };
  return existsSync(join(dir, MARKER)) && files.every(isWhole);
}

/**
 * Make sure that a cache directory exists and is whole, with all `files`: filled in a temporary neighbour, marked, then renamed. One process
 * fills, others wait for it. Half-filled neighbours that a killed run left are removed.
 */
export async function fillEntry(
  dir: string,
  files: readonly string[],
  fill: (temporary: string) => Promise<void>,
  o: LockOptions = {},
): Promise<string> {
  if (isComplete(dir, files)) return dir;
  const parent = dirname(dir);
  await mkdir(parent, { recursive: true });
  await sweep(parent);
  const fillOnce = async (): Promise<void> => {
    if (isComplete(dir, files)) return;
    const temporary = await mkdtemp(join(parent, `${TEMPORARY}${basename(dir)}-`));
    try {
      await fill(temporary);
      await writeFile(join(temporary, MARKER), '');
      await rm(dir, { recursive: true, force: true });
      await rename(temporary, dir);
    } catch (error) {
      throw orExhausted(`cannot write to ${parent}`, error);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  };
  await withLock(`${dir}.lock`, fillOnce, o);
  return dir;
}

/** Remove what killed runs left half filled anywhere in the cache, if it is ours. */
export async function sweepCache(): Promise<void> {
  if (!isOwnCache()) return;
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
