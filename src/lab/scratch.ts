import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isOwnDirectory, visitOwnDirectory } from '../process/own-directory.js';
import { OwnedNames } from '../process/owned-names.js';
import { LabError, orExhausted } from './errors.js';

const STICKY = 0o1000;
const WRITABLE_BY_ALL = 0o002;

/** Below the temporary directory: one directory for each user, in it one for each run. */
const ownName = (): string => `kvm-memtype-${process.geteuid?.()}`;
const isOwnName = (name: string): boolean => new RegExp(`^${ownName()}(?:-\\w{6})?$`).test(name);
const RUNS = new OwnedNames('');

/**
 * The temporary directory, if it is one.
 *
 * @throws LabError LAB_TEMPORARY
 */
export function temporaryDirectory(): string {
  const path = resolve(tmpdir());
  const info = statSync(path, { throwIfNoEntry: false });
  const refuse = (what: string): never => {
    throw new LabError('LAB_TEMPORARY', `the temporary directory ${path} ${what}`);
  };
  if (!info) return refuse('does not exist: set TMPDIR to one that does');
  if (!info.isDirectory()) refuse('is not a directory: set TMPDIR to one');
  // There anybody could put something else in the place of what is ours.
  if (info.mode & WRITABLE_BY_ALL && !(info.mode & STICKY))
    refuse('lets everybody rename what is in it: chmod +t it, or set TMPDIR to another');
  return path;
}

/** The directory of this user: the usual name, unless somebody else has taken that. */
function userDirectory(): string {
  const parent = temporaryDirectory();
  const usual = join(parent, ownName());
  try {
    mkdirSync(usual, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unwritable(parent, error);
  }
  if (isOwnDirectory(usual)) return usual;
  const others = readdirSync(parent).filter(isOwnName);
  const own = others.map((name) => join(parent, name)).find(isOwnDirectory);
  return own ?? mkdtempSync(`${usual}-`);
}

function unwritable(path: string, error: unknown): unknown {
  const what = `cannot write to the temporary directory ${path}`;
  const cause = orExhausted(what, error);
  return cause instanceof LabError
    ? cause
    : new LabError('LAB_TEMPORARY', `${what}: ${(error as Error).message}`);
}

/**
 * A directory of our own for one lab run; its name says whose it is. Nobody else can look into it.
 *
 * @throws LabError LAB_TEMPORARY, LAB_DISK_FULL
 */
export function makeScratch(): string {
  const parent = userDirectory();
  try {
    const dir = join(parent, RUNS.next());
    mkdirSync(dir, { mode: 0o700 });
    return dir;
  } catch (error) {
    throw unwritable(parent, error);
  }
}

export function removeScratch(dir: string): void {
  rmSync(dir, { recursive: true, force: true });
}

/** Remove what lab runs of this user left that were killed before they could. What is not ours alone is not looked at. */
export function sweepScratch(): void {
  for (const name of namesIn(tmpdir()).filter(isOwnName))
    visitOwnDirectory(resolve(tmpdir(), name), (run, path) => {
      if (RUNS.isLeft(run)) removeScratch(path);
    });
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch {
    return []; // No such directory: nothing was left there.
  }
}
