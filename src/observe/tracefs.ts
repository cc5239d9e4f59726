import {
  appendFileSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { constants as system } from 'node:os';
import { join } from 'node:path';
import { KvmError, readNow } from '../kvm/index.js';
import { OwnedNames } from '../process/owned-names.js';
import type { Missing } from '../text/missing.js';

const ROOTS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];
const INSTANCES = new OwnedNames('kvm-memtype-');
const CHUNK = 1 << 16;
const { EAGAIN } = system.errno;

/** What keeps us from a path: the error's code, such as ENOENT or EACCES; undefined if nothing does. */
function obstacle(path: string): string | undefined {
  try {
    statSync(path);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

/** Where tracefs with KVM's MMU events is mounted, or why there is none to use. */
export function findTracefs(roots: readonly string[] = ROOTS): { root: string } | Missing {
  const found = roots.map((root) => ({ root, obstacle: obstacle(join(root, 'instances')) }));
  const root = found.find((place) => place.obstacle === undefined)?.root;
  if (root === undefined && found.some((place) => place.obstacle === 'EACCES')) {
    return { reason: 'only root may read the kernel’s trace', lift: 'run as root' };
  }
  if (root === undefined) {
    return {
      reason: 'tracefs is not mounted',
      lift: 'mount -t tracefs nodev /sys/kernel/tracing (as root)',
    };
  }
  if (!existsSync(join(root, 'events/kvmmmu'))) {
    return {
      reason: 'the kernel has no kvmmmu trace events',
      lift: 'load kvm.ko on a kernel with CONFIG_EVENT_TRACING',
    };
  }
  return { root };
}

/** The group of an instance's probes has its name, in letters that may stand there. */
const groupOf = (instance: string): string => instance.replaceAll(/[-.]/g, '_');
const instanceOf = (group: string): string =>
  group.replace(/^kvm_memtype_(\d+)_(\d+)_(\d+)_(\d+)$/, 'kvm-memtype-$1-$2-$3.$4');
const PROBE = /^[pr]\d*:(\w+)\/(\w+) /;

const isBusy = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EBUSY';

/**
 * Remove the tracing instances and probes that killed runs of this program left behind; each bears the id of its process.
 * @param onRemoved told what was removed
 * @returns a sentence for each one that somebody holds open; the next sweep tries it again
 */
export function sweepTracefs(root: string, onRemoved: (what: string) => void = () => {}): string[] {
  const problems: string[] = [];
  const remove = (what: string, act: () => void): void => {
    try {
      act();
      onRemoved(what);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return; // Another process was faster.
      const reason = isBusy(error) ? 'somebody holds it open' : message;
      problems.push(`cannot remove ${what} that a killed run left: ${reason}`);
    }
  };
  const instances = join(root, 'instances');
  for (const name of readdirSync(instances))
    if (INSTANCES.isLeft(name))
      remove(`the tracing instance ${name}`, () => rmdirSync(join(instances, name)));
  const probes = join(root, 'kprobe_events');
  if (!existsSync(probes)) return problems;
  for (const line of readFileSync(probes, 'utf8').split('\n')) {
    const [, group = '', event] = PROBE.exec(line) ?? [];
    if (INSTANCES.isLeft(instanceOf(group)))
      remove(`the probe ${group}/${event}`, () => appendFileSync(probes, `-:${group}/${event}\n`));
  }
  return problems;
}

/** A tracing instance of our own, which records the events of one thread, or of all, and disappears on close. */
export class TraceInstance {
  readonly #root: string;
  readonly #dir: string;
  readonly #marker: number;
  readonly #pipe: number;
  readonly #chunk = Buffer.alloc(CHUNK);
  readonly #undo: (() => void)[] = [];
  readonly name: string;
  /** Group of the probes of this instance. */
  readonly probeGroup: string;

  /**
   * @param root where tracefs is mounted
   * @param tid the thread whose events are recorded (set_event_pid); undefined for all
   * @param bufferKib size of the buffer of each CPU
   */
  constructor(root: string, tid: number | undefined, bufferKib: number) {
    this.#root = root;
    this.name = INSTANCES.next();
    this.probeGroup = groupOf(this.name);
    this.#dir = join(root, 'instances', this.name);
    mkdirSync(this.#dir);
    this.#undo.push(() => rmdirSync(this.#dir));
    try {
      this.write('buffer_size_kb', String(bufferKib));
      this.write('trace_clock', 'global');
      if (tid !== undefined) this.write('set_event_pid', String(tid));
      this.#marker = this.#open('trace_marker', constants.O_WRONLY);
      this.#pipe = this.#open('trace_pipe', constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #open(file: string, flags: number): number {
    const fd = openSync(join(this.#dir, file), flags);
    this.#undo.push(() => closeSync(fd));
    return fd;
  }

  /** Write to a file of the instance. */
  write(file: string, value: string): void {
    writeFileSync(join(this.#dir, file), value);
  }

  /**
   * Define a probe of `probeGroup` in the syntax of kprobe_events, without its name, and record it here.
   * @param filter which of its events to keep, in the syntax of an event's `filter`
   */
  addProbe(kind: 'p' | 'r', name: string, where: string, filter?: string): void {
    const file = join(this.#root, 'kprobe_events');
    appendFileSync(file, `${kind}:${this.probeGroup}/${name} ${where}\n`);
    // Take the probe away after the instance, whose removal disables it.
    this.#undo.unshift(() => appendFileSync(file, `-:${this.probeGroup}/${name}\n`));
    if (filter !== undefined) this.filterProbe(name, filter);
    this.write(`events/${this.probeGroup}/${name}/enable`, '1');
  }

  /** Keep only those events of a probe that a filter lets through. */
  filterProbe(name: string, filter: string): void {
    this.write(`events/${this.probeGroup}/${name}/filter`, filter);
  }

  /** Record no more events of a probe. */
  silenceProbe(name: string): void {
    this.write(`events/${this.probeGroup}/${name}/enable`, '0');
  }

  /** Write a marker into the trace. */
  mark(text: string): void {
    writeSync(this.#marker, text);
  }

  /** Take everything recorded since the last call: text, in ASCII. */
  drain(): Buffer {
    const parts: Buffer[] = [];
    for (;;) {
      const n = readNow(this.#pipe, this.#chunk);
      if (n === 0 || n === -EAGAIN) return Buffer.concat(parts);
      if (n < 0) throw new KvmError('KVM_FILE', 'read', -n);
      parts.push(Buffer.from(this.#chunk.subarray(0, n)));
    }
  }

  /**
   * Remove the instance and its probes; a second call does nothing. What somebody else holds open is left to a later sweep, when this
   * process is gone.
   */
  close(): void {
    let failure: unknown;
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        undo();
      } catch (error) {
        if (!isBusy(error)) failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
