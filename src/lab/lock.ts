import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { toolMissing } from './exec.js';

/**
 * Hold an exclusive lock on a file while `work` runs; waits for as long as another process holds it.
 *
 * flock(1) keeps the lock and reads our pipe, so the lock goes with this process however it ends.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const holder = spawn('flock', ['--exclusive', path, 'sh', '-c', 'echo held; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true, // Keep a Ctrl-C in the terminal away from the holder: it ends with its pipe.
  });
  holder.stdin.on('error', () => {});
  const failed = once(holder, 'exit').then(() => Promise.reject(toolMissing('flock')));
  failed.catch(() => {});
  await Promise.race([once(holder.stdout, 'data'), failed]);
  try {
    return await work();
  } finally {
    holder.stdin.end();
  }
}
