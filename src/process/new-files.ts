import { existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { OutputError, reasonOf } from './output-file.js';

/** A file to be made: its path, and what is in it. */
export type NewFile = readonly [path: string, text: string];

/** Not by mkdir's own `recursive`: that never ends where the system makes no folder, as below /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}

function make([path, text]: NewFile): void {
  try {
    makeFolder(dirname(path));
    writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    throw new OutputError(`cannot write ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

/**
 * Make files, and the folders they lie in. Nothing that is there is overwritten: if one of the files is there, none is made.
 *
 * @throws OutputError
 */
export function writeNewFiles(files: readonly NewFile[]): void {
  const there = files.find(([path]) => isThere(path));
  if (there !== undefined) throw new OutputError(`${there[0]} is there already: nothing was written`);
  for (const file of files) make(file);
}

function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // What cannot even be looked at cannot be made either: make() says why.
    return false;
  }
}
