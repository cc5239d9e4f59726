import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A process that is to be watched cannot be. */
export class WatchTargetError extends Error {
  readonly code = 'WATCH_TARGET';
}

const PROC = '/proc';
/** What KVM calls the file of a VM (kvm_dev_ioctl_create_vm()). */
const VM_FILE = 'anon_inode:kvm-vm';

function read(pid: number, file: string, proc: string): string | undefined {
  try {
    return readFileSync(join(proc, String(pid), file), 'latin1');
  } catch {
    return undefined; // It is gone.
  }
}

const numbers = (dir: string): number[] =>
  readdirSync(dir)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

/** Threads of a process; none if it is gone. */
export function threadsOf(pid: number, proc = PROC): number[] {
  try {
    return numbers(join(proc, String(pid), 'task'));
  } catch {
    return [];
  }
}

/** Whether a process has a VM of KVM open. */
export function hasVm(pid: number, proc = PROC): boolean {
  const dir = join(proc, String(pid), 'fd');
  try {
    return readdirSync(dir).some((fd) => linkOf(join(dir, fd)) === VM_FILE);
  } catch {
    return false;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** A number of /proc/<pid>/status. */
function statusField(pid: number, name: string, proc: string): number | undefined {
  const value = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(read(pid, 'status', proc) ?? '')?.[1];
  return value === undefined ? undefined : Number(value);
}

/** Whether a thread is one of a process, or of a child of it, its children, and so on. */
export function descendsFrom(tid: number, pid: number, proc = PROC): boolean {
  if (tid === pid) return true; // Also when it is gone.
  let at = statusField(tid, 'Tgid', proc);
  while (at !== undefined && at !== 0 && at !== pid) at = statusField(at, 'PPid', proc);
  return at === pid;
}

/**
 * The process with a VM that has this name: that of its command, or of the program's file.
 * @throws WatchTargetError if there is none, or more than one
 */
export function processNamed(name: string, proc = PROC): number {
  const isNamed = (pid: number): boolean => {
    const [program = ''] = (read(pid, 'cmdline', proc) ?? '').split('\0');
    return read(pid, 'comm', proc)?.trim() === name || basename(program) === name;
  };
  const named = numbers(proc).filter(isNamed);
  const found = named.filter((pid) => hasVm(pid, proc));
  if (found.length === 1) return found[0] as number;
  if (found.length > 1)
    throw new WatchTargetError(
      `${found.length} processes called ${name} have a VM: say --pid ${found.join(' or ')}`,
    );
  throw new WatchTargetError(
    named.length === 0 ? `no process is called ${name}` : `no process called ${name} has a VM of KVM`,
  );
}
