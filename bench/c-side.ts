import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** The C program, which waits for a line and then runs one batch. */
export interface CSide {
  /** Run one batch. @returns nanoseconds, by its own clock */
  batch(): Promise<number>;
  close(): Promise<void>;
}

/** Start `program` for exits of this kind; it runs on processor `cpu` alone. */
export async function cSide(program: string, kind: string, count: number, cpu: number): Promise<CSide> {
  const child = spawn('taskset', ['-c', String(cpu), program, kind, String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exit = once(child, 'exit');
  const batch = async (): Promise<number> => {
    child.stdin.write('\n');
    const { value, done } = await lines.next();
    if (done) throw new Error(`${program} ${kind} ended`);
    return Number(value);
  };
  const close = async (): Promise<void> => {
    child.stdin.end();
    await exit;
  };
  return { batch, close };
}

/** Keep this thread on one processor, or on those of `cpus` (a list as of taskset). The engine's helper threads stay free. */
export function pin(cpus: string): void {
  execFileSync('taskset', ['-pc', cpus, String(process.pid)], { stdio: 'ignore' });
}

/** The processors that this process may run on, as taskset's list: `0,1` or `0-3`. */
export function allowedCpus(): string {
  const text = execFileSync('taskset', ['-pc', String(process.pid)], { encoding: 'utf8' });
  return text.slice(text.lastIndexOf(':') + 1).trim();
}
