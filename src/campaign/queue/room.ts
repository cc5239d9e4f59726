import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { MIB } from '../../arch/units.js';

/** What a job writes while it runs, beside kernels that are built. */
const ROOM = 16 * MIB;

/**
 * Write as much as a job may need.
 * @throws Error ENOSPC where there is no room
 */
export function putRoom(file: string): void {
  const chunk = Buffer.alloc(MIB, 1);
  const fd = openSync(file, 'wx', 0o600);
  try {
    for (let done = 0; done < ROOM; ) done += writeSync(fd, chunk);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
