import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';

const START_FIELD = 19; // of /proc/<pid>/stat, counted behind the command's name

/** Inode of the first PID namespace, PROC_PID_INIT_INO in the kernel's include/linux/proc_ns.h: from there all processes are seen. */
const FIRST_NAMESPACE = String(0xefff_fffc);

/** When a process started, in clock ticks since boot: tells it from a later one with its id. Undefined if it is gone. */
export function startTime(pid: number | 'self'): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[START_FIELD];
  } catch {
    return undefined;
  }
}

/** Inode of a process's PID namespace: the first one in a kernel without such namespaces, as the lab's is. */
function namespaceOf(pid: string): string | undefined {
  if (!existsSync('/proc/self/ns/pid')) return FIRST_NAMESPACE;
  return /\d+/.exec(readlinkSync(`/proc/${pid}/ns/pid`))?.[0];
}

let own: string | undefined;

/**
 * `<pid>-<start time>-<PID namespace>` of this process: what it leaves behind can be told to be its own, also where containers
 * share a folder or tracefs and each have a process of this number. Asked of /proc once, which takes up to a millisecond.
 */
export function ownProcessId(): string {
  own ??= `${process.pid}-${startTime(process.pid) ?? 0}-${namespaceOf('self')}`;
  return own;
}

/**
 * Whether the process that ownProcessId() named may still run. Of a PID namespace that cannot be looked into it is not known: then
 * it is taken to run, so that nobody removes what another container uses.
 */
export function isRunning(id: string): boolean {
  const [pid = '', start = '', namespace = ''] = id.split('-');
  if (!seesOwnNamespace()) return true;
  if (namespace === namespaceOf('self')) return startTime(Number(pid)) === start;
  return namespaceOf('self') !== FIRST_NAMESPACE || hasProcesses(namespace);
}

/** Whether /proc shows the namespace that we are in. */
function seesOwnNamespace(): boolean {
  try {
    return readlinkSync('/proc/self') === String(process.pid);
  } catch {
    return false;
  }
}

/** Whether any process is in another PID namespace, or may be: somebody else's is not ours to ask. Process 1 is in ours. */
function hasProcesses(namespace: string): boolean {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && name !== '1');
  return pids.some((pid) => {
    try {
      return namespaceOf(pid) === namespace;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'EACCES'; // Else it is gone, or a zombie.
    }
  });
}
