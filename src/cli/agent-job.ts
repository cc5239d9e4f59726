import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { clearWarnOnce } from '../observe/kernel-log.js';

const STDIN = 0;
const CHUNK = 1 << 18;

/** What a memory device holds, up to the first zero. Nothing of it was read before: what it holds is put there while the machine stands still. */
function readDevice(path: string): string {
  const chunks: Buffer[] = [];
  const fd = openSync(path, 'r');
  try {
    for (;;) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const bytes = chunk.subarray(0, readSync(fd, chunk));
      const end = bytes.indexOf(0);
      chunks.push(end < 0 ? bytes : bytes.subarray(0, end));
      if (end >= 0 || bytes.length === 0) return Buffer.concat(chunks).toString();
    }
  } finally {
    closeSync(fd);
  }
}

/** Read what is to be done: from a file, from a device in memory, or, for `-`, from standard input. */
export function readJob(path: string): string {
  if (path.startsWith('/dev/')) return readDevice(path);
  return readFileSync(path === '-' ? STDIN : path, 'utf8');
}

/** Stand still until the machine is told to go on; in the lab it may be saved meanwhile (guests/lab/init.c). */
export function standStill(): void {
  clearWarnOnce();
  process.kill(process.pid, 'SIGSTOP');
}
