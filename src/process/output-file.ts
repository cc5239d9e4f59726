import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';

/** A file that the user named for a result cannot be written, or does not fit the others. */
export class OutputError extends Error {
  readonly code = 'REPORT_OUTPUT';
}

/** What to say of the errors that a user can cause. */
const REASONS: Record<string, string> = {
  EACCES: 'no permission',
  EDQUOT: 'the disk is full',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links go round in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'its folder does not exist',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is not a folder',
  ENXIO: 'nobody reads it',
  EPERM: 'no permission',
  EROFS: 'the file system is read-only',
};

/** Why a file cannot be written, in words where a user can cause it. */
export function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}

function outputError(file: string, error: unknown, option = '--output'): OutputError {
  if (error instanceof OutputError) return error;
  return new OutputError(`cannot write ${option} ${file}: ${reasonOf(error)}`, { cause: error });
}

const failure = (errno: string): Error => Object.assign(new Error(errno), { code: errno });

/**
 * Check before a long run that its result can be written at its end. Opens nothing.
 * @param option what named the file
 * @throws OutputError
 */
export function checkWritable(file: string, option = '--output'): void {
  try {
    if (file === '') throw new OutputError(`${option} needs the name of a file`);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat?.isDirectory()) throw failure('EISDIR');
    if (stat) accessSync(file, constants.W_OK);
    else refuseDangling(file, option);
    if (!stat?.isFile() && stat) return;
    if (descriptorOf(file) === undefined)
      accessSync(dirname(stat ? realpathSync(file) : file), constants.W_OK);
  } catch (error) {
    throw outputError(file, error, option);
  }
}

/** A link that leads nowhere is most likely a mistake: cp(1) refuses it as well. */
function refuseDangling(file: string, option = '--output'): void {
  if (lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink())
    throw new OutputError(`cannot write ${option} ${file}: it is a symbolic link to nothing`);
}

/** Text of which no string holds all. */
type Pieces = Generator<string>;

/** Written at a time, in characters. */
const CHUNK = 1 << 20;

/** Short pieces of a text as longer ones. */
export function* chunksOf(pieces: Pieces): Generator<string> {
  let chunk = '';
  for (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

/** Write all into a file that is open. */
function fill(fd: number, data: string | Uint8Array | Pieces): void {
  if (typeof data === 'string' || data instanceof Uint8Array) writeFileSync(fd, data);
  else for (const chunk of chunksOf(data)) writeFileSync(fd, chunk);
}

function fillNamed(file: string, data: string | Uint8Array | Pieces, flags: string | number): void {
  const fd = openSync(file, flags);
  try {
    fill(fd, data);
  } finally {
    closeSync(fd);
  }
}

/**
 * Write a file whole or not at all: a reader never sees half a result, and an old file keeps its mode and owner. A symbolic
 * link is written through. What is no regular file (a pipe, /dev/null) is written to, never replaced; nor is what
 * this process has open (/dev/stdout).
 * @throws OutputError
 */
export function writeOutput(file: string, data: string | Uint8Array | Pieces): void {
  try {
    const stat = statSync(file, { throwIfNoEntry: false });
    const descriptor = descriptorOf(file);
    if (stat && !stat.isFile()) writeInto(file, data, stat);
    else if (descriptor !== undefined) fill(descriptor, data);
    else if (stat) replace(realpathSync(file), data, stat);
    else {
      refuseDangling(file);
      replace(file, data);
    }
  } catch (error) {
    throw outputError(file, error);
  }
}

/** The number of an open file of this process that a path names. */
function descriptorOf(file: string): number | undefined {
  const path = resolve(file);
  if (path === '/dev/stdout') return 1;
  if (path === '/dev/stderr') return 2;
  const match = /^\/(?:dev|proc\/self)\/fd\/(\d+)$/.exec(path);
  return match ? Number(match[1]) : undefined;
}

/** A named pipe that nobody reads would hold us for ever: find out by opening it without waiting. */
function writeInto(file: string, data: string | Uint8Array | Pieces, stat: Stats): void {
  const probe = stat.isFIFO() ? openSync(file, constants.O_WRONLY | constants.O_NONBLOCK) : undefined;
  try {
    fillNamed(file, data, constants.O_WRONLY);
  } finally {
    if (probe !== undefined) closeSync(probe);
  }
}

function replace(file: string, data: string | Uint8Array | Pieces, old?: Stats): void {
  // Nobody can guess the name, and what has it already is not opened: the folder may be everybody's.
  const temporary = join(dirname(file), `.${basename(file).slice(0, 200)}.${randomBytes(6).toString('hex')}`);
  const fd = openSync(temporary, 'wx');
  try {
    if (old && !makeAlike(fd, old)) fillNamed(file, data, 'w');
    else {
      fill(fd, data);
      renameSync(temporary, file);
    }
  } finally {
    closeSync(fd);
    rmSync(temporary, { force: true });
  }
}

/** Give a new file the owner and mode of the old one; false if that is not ours to give. */
function makeAlike(fd: number, { uid, gid, mode }: Stats): boolean {
  try {
    fchownSync(fd, uid, gid);
    fchmodSync(fd, mode & 0o7777);
    return true;
  } catch {
    return false;
  }
}
