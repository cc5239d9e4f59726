import {
  accessSync,
  constants,
  existsSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { OutputError } from './outputs.js';

/** What to say of the errors that a user can cause. */
const REASONS: Record<string, string> = {
  EACCES: 'no permission',
  EISDIR: 'it is a folder',
  ENOENT: 'its folder does not exist',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'a part of its path is not a folder',
  EROFS: 'the file system is read-only',
};

function outputError(file: string, error: unknown): OutputError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  return new OutputError(`cannot write --output ${file}: ${REASONS[code] ?? message}`, { cause: error });
}

const isRegular = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() ?? true;

/**
 * Check before a long run that its result can be written at its end.
 * @throws OutputError
 */
export function checkWritable(file: string): void {
  try {
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat?.isDirectory()) throw Object.assign(new Error('it is a folder'), { code: 'EISDIR' });
    accessSync(stat && !stat.isFile() ? file : dirname(file), constants.W_OK);
    if (stat) accessSync(file, constants.W_OK);
  } catch (error) {
    throw outputError(file, error);
  }
}

/**
 * Write a file whole or not at all: a reader never sees half a result. What is no regular file (a pipe, /dev/null)
 * is written to, never replaced.
 * @throws OutputError
 */
export function writeWhole(file: string, text: string): void {
  try {
    if (isRegular(file)) replace(existsSync(file) ? realpathSync(file) : file, text);
    else writeFileSync(file, text);
  } catch (error) {
    throw outputError(file, error);
  }
}

function replace(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}
