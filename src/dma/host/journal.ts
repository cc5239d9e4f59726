import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { isOwnDirectory } from '../../process/own-directory.js';
import { OwnedNames } from '../../process/owned-names.js';
import { DmaError } from '../types.js';
import { type HostChange, isHostChange, isSameThing, undoChange } from './changes.js';
import { HOST, type Host } from './paths.js';

/** A reboot empties it, and undoes the changes as well. */
export const JOURNAL_DIR = '/run/kvm-memtype';

const JOURNALS = new OwnedNames('', '.json');
const NEW = '.new';
const HALF_WRITTEN = new OwnedNames('', `.json${NEW}`);

function writeDurably(path: string, text: string): void {
  const temporary = path + NEW;
  const fd = openSync(temporary, 'w', 0o600);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(temporary, path);
}

function readChanges(path: string): HostChange[] {
  try {
    const list: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(list) ? list.filter(isHostChange) : [];
  } catch {
    return [];
  }
}

/** Names of the files in a directory. Nobody else's journals are believed. */
const filesOf = (dir: string): string[] => (isOwnDirectory(dir) ? readdirSync(dir) : []);

/**
 * The changes of the host that this process has made and not yet undone, in a file of its own: each is written down
 * before it is made, so that another process can undo it if this one is killed.
 */
export class Journal {
  readonly #dir: string;
  readonly #host: Host;
  readonly #path: string;
  #changes: HostChange[] = [];

  constructor(o: { dir?: string; host?: Host } = {}) {
    this.#dir = o.dir ?? JOURNAL_DIR;
    this.#host = o.host ?? HOST;
    this.#path = join(this.#dir, JOURNALS.next());
  }

  /**
   * Write down what undoes a change, then make it.
   * @throws DmaError if it cannot be written down; what `make` throws, the change undone
   */
  change(change: HostChange, make: () => void): void {
    this.#changes.push(change);
    this.#save();
    try {
      make();
    } catch (error) {
      this.undo(change);
      throw error;
    }
  }

  /** Undo a change, unless another process that still runs relies on it: the last one undoes it then. */
  undo(change: HostChange): void {
    if (!this.others().some((other) => isSameThing(other, change))) undoChange(change, this.#host);
    this.#changes = this.#changes.filter((other) => other !== change);
    this.#save();
  }

  /** Changes that other processes, which still run, have not undone. */
  others(): HostChange[] {
    const names = filesOf(this.#dir).filter((name) => JOURNALS.isOthers(name));
    return names.flatMap((name) => readChanges(join(this.#dir, name)));
  }

  #save(): void {
    try {
      if (this.#changes.length === 0) {
        rmSync(this.#path, { force: true });
        return;
      }
      mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
      if (!isOwnDirectory(this.#dir)) throw new Error('others can write to it');
      writeDurably(this.#path, JSON.stringify(this.#changes));
    } catch (error) {
      throw new DmaError(
        `cannot write down changes of this host in ${this.#dir}: ${(error as Error).message}`,
      );
    }
  }

  /** Take over the journal `name` of a process that is gone, and undo what it says, the last change first. */
  adopt(name: string): void {
    try {
      renameSync(join(this.#dir, name), this.#path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return; // Another process was faster.
      throw error;
    }
    this.#changes = readChanges(this.#path);
    for (const change of [...this.#changes].reverse()) this.undo(change);
    this.#save();
  }
}

/**
 * Undo what processes that were killed have changed on the host.
 * @returns a sentence for each journal that could not be undone; the next sweep tries it again
 */
export function sweepHostChanges(o: { dir?: string; host?: Host } = {}): string[] {
  const dir = o.dir ?? JOURNAL_DIR;
  const problems: string[] = [];
  for (const name of filesOf(dir)) {
    // What was not yet whole was not yet acted upon.
    if (HALF_WRITTEN.isLeft(name)) rmSync(join(dir, name), { force: true });
    if (!JOURNALS.isLeft(name)) continue;
    try {
      new Journal({ ...o, dir }).adopt(name);
    } catch (error) {
      problems.push(`cannot undo what a killed run left (${join(dir, name)}): ${(error as Error).message}`);
    }
  }
  return problems;
}
