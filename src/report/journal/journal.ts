import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { safeJson } from '../../text/safe.js';
import type { JournalRecord } from './records.js';

/** What the journal of a run is called that has this first output. */
export const journalBeside = (output: string): string => `${output}.partial.jsonl`;

/**
 * The file that results are written to as they come, a record of JSON a line. It is made with the first record. Nothing but a
 * `kill -9` of the program, or the end of its machine, leaves it behind, unless it is to be kept.
 */
export class Journal {
  #fd: number | undefined;
  #broken = false;

  /** @param onError told once if the file cannot be written; the run goes on without it */
  constructor(
    readonly file: string,
    private readonly onError: (error: NodeJS.ErrnoException) => void,
  ) {}

  /** @param sync wait until the disk has it: what comes next may take the whole machine along */
  write(record: JournalRecord, sync = false): void {
    if (this.#broken) return;
    try {
      this.#fd ??= this.#open();
      writeSync(this.#fd, `${safeJson(JSON.stringify(record))}\n`);
      if (sync) fdatasyncSync(this.#fd);
    } catch (error) {
      this.#broken = true;
      this.onError(error as NodeJS.ErrnoException);
    }
  }

  /** Take what an earlier run left out of the way; never follow a link that somebody put there. */
  #open(): number {
    rmSync(this.file, { force: true });
    return openSync(this.file, 'wx');
  }

  /** The run is over, and its results are elsewhere, unless `keep`. */
  close(keep: boolean): void {
    if (this.#fd === undefined) return;
    closeSync(this.#fd);
    this.#fd = undefined;
    if (!keep) rmSync(this.file, { force: true });
  }
}
