import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { reasonOf } from '../../process/output-file.js';
import { CampaignError } from '../errors.js';

/** Why a file of a campaign cannot be written, in one sentence. */
export const cannotWrite = (path: string, error: unknown): CampaignError =>
  new CampaignError('CAMPAIGN_FOLDER', `${path} cannot be written: ${reasonOf(error)}`, { cause: error });

/** Write all of it: on a disk that is nearly full a single call writes a part, and says nothing. */
export function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}

function withOpen(path: string, flags: string, work: (fd: number) => void): void {
  const fd = openSync(path, flags);
  try {
    work(fd);
  } finally {
    closeSync(fd);
  }
}

/** Have the disk keep a file, or the names in a folder. */
const sync = (path: string): void => withOpen(path, 'r', fsyncSync);

/**
 * Make a file whole or not at all, whatever becomes of the process or the machine; what is there is replaced.
 * @param what its bytes, or what fills the file that is then put in its place
 * @throws CampaignError CAMPAIGN_FOLDER
 */
export function placeFile(path: string, what: Uint8Array | ((temporary: string) => void)): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    if (typeof what === 'function') what(temporary);
    else withOpen(temporary, 'wx', (fd) => writeAll(fd, what));
    sync(temporary);
    renameSync(temporary, path);
    sync(dirname(path));
  } catch (error) {
    throw cannotWrite(path, error);
  } finally {
    rmSync(temporary, { force: true });
  }
}
