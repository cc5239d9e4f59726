import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, readlink, stat } from 'node:fs/promises';
import { MIB } from '../arch/units.js';

/** A file that the user named cannot be read, or is not what can be read to an end. */
export class InputFileError extends Error {
  readonly code = 'INPUT_FILE';
}

/** What may be read. */
export interface ReadLimit {
  /** Most bytes that are taken. */
  limit: number;
  /** Where this limit comes from, for the sentence: `the guest's RAM`. */
  why: string;
  /** Refuse what can be read once only: the path is handed on to another program. */
  again?: boolean;
}

/** What to say of the errors that a user can cause. */
const REASONS: Record<string, string> = {
  EACCES: 'no permission',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links go round in a circle',
  ENAMETOOLONG: 'its name is too long',
  ENOENT: 'there is no such file',
  ENOTDIR: 'a part of its path is not a folder',
};

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a pipe';
  return stats.isSocket() ? 'a socket' : 'a device';
}

/**
 * Read a file that the user named: a regular one, or a pipe that a shell opened for us (`<(command)`, /dev/stdin). What may never
 * end, or wait for ever, is not opened at all: a device, a named pipe.
 *
 * @throws InputFileError
 */
export async function readInput(path: string, { limit, why, again = false }: ReadLimit): Promise<Buffer> {
  let file: FileHandle | undefined;
  try {
    const isPipe = await mustEnd(path, again);
    // It may have become a named pipe just now: do not wait for that. A pipe of the shell's has its writer already.
    file = await open(path, isPipe ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NONBLOCK);
    const bytes = await readUpTo(file, limit + 1);
    if (bytes.length <= limit) return bytes;
    throw new InputFileError(`cannot read ${path}: it is larger than ${sizeText(limit)}, ${why}`);
  } catch (error) {
    throw inputError(path, error);
  } finally {
    await file?.close();
  }
}

function inputError(path: string, error: unknown): InputFileError {
  if (error instanceof InputFileError) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new InputFileError(`cannot read ${path}: ${REASONS[code] ?? message}`);
}

/** Refuse what may have no end; tell whether it is a pipe. */
async function mustEnd(path: string, again: boolean): Promise<boolean> {
  const info = await stat(path);
  const isPipe = !again && info.isFIFO() && (await isUnnamed(path));
  if (info.isFile() || isPipe) return isPipe;
  throw new InputFileError(`cannot read ${path}: it is ${kindOf(info)}, not a file`);
}

/** A pipe without a name is known by its link in /proc only. */
async function isUnnamed(path: string): Promise<boolean> {
  const target = await readlink(path).catch(() => '');
  return target.startsWith('pipe:[') || (target.startsWith('/proc/') && isUnnamed(target));
}

async function readUpTo(file: FileHandle, most: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let total = 0;
  // Ask for as much as there is to be expected, and notice what grows meanwhile.
  let size = Math.min(most, Math.max((await file.stat()).size + 1, 1 << 16));
  while (total < most) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(Math.min(size, most - total)));
    if (bytesRead === 0) break;
    parts.push(buffer.subarray(0, bytesRead));
    total += bytesRead;
    size = MIB;
  }
  return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts, total);
}

const sizeText = (bytes: number): string => (bytes % MIB === 0 ? `${bytes / MIB} MiB` : `${bytes} bytes`);
