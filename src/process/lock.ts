import { type ChildProcessWithoutNullStreams as Holder, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cannotStart, ProcessError } from './errors.js';

export interface LockOptions {
  /** Called if another process holds the lock. */
  onWait?: (() => void) | undefined;
  /** Abort ends the waiting with PROCESS_ABORTED. */
  signal?: AbortSignal | undefined;
}

const PATIENCE_MS = 1000;

/**
 * Hold an exclusive lock on a file while `work` runs; waits for as long as another process holds it.
 *
 * flock(1) keeps the lock and reads our pipe, so the lock goes with this process however it ends.
 *
 * @throws ProcessError PROCESS_START, PROCESS_LOCK, PROCESS_ABORTED, and what `work` throws
 */
export async function withLock<T>(path: string, work: () => Promise<T>, o: LockOptions = {}): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const holder = spawn('flock', ['--exclusive', path, 'sh', '-c', 'echo held; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true, // Keep a Ctrl-C in the terminal away from the holder: it ends with its pipe.
  });
  holder.stdin.on('error', () => {});
  const timer = setTimeout(() => o.onWait?.(), PATIENCE_MS);
  const stop = (): boolean => holder.kill();
  o.signal?.addEventListener('abort', stop, { once: true });
  const failed = endOf(holder, path, o.signal);
  failed.catch(() => {});
  try {
    await Promise.race([once(holder.stdout, 'data'), failed]);
    clearTimeout(timer);
    o.signal?.removeEventListener('abort', stop);
    return await work();
  } finally {
    clearTimeout(timer);
    o.signal?.removeEventListener('abort', stop);
    holder.stdin.end();
  }
}

/** Never resolves: whoever holds the lock ends with its pipe. */
async function endOf(holder: Holder, path: string, signal: AbortSignal | undefined): Promise<never> {
  let said = '';
  holder.stderr.on('data', (data: Buffer) => {
    said += data.toString();
  });
  await once(holder, 'close').catch((error: unknown) => {
    throw cannotStart('flock', error);
  });
  if (signal?.aborted)
    throw new ProcessError('PROCESS_ABORTED', 'stopped while waiting for another process', 'flock');
  const [line = 'flock ended'] = said.split('\n');
  throw new ProcessError('PROCESS_LOCK', `cannot lock ${path}: ${line}`, 'flock', { tail: [said] });
}
