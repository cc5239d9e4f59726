import { readFileSync } from 'node:fs';

const START_FIELD = 19; // of /proc/<pid>/stat, counted behind the command's name

/** When a process started, in clock ticks since boot: tells it from a later one with its id. Undefined if it is gone. */
export function startTime(pid: number | 'self'): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[START_FIELD];
  } catch {
    return undefined;
  }
}

/** `<pid>-<start time>` of this process: what it leaves behind can be told to be its own. */
export const ownProcessId = (): string => `${process.pid}-${startTime('self')}`;

/** Whether the process that ownProcessId() named still runs. */
export function isRunning(id: string): boolean {
  const [pid = '', start = ''] = id.split('-');
  return startTime(Number(pid)) === start;
}
