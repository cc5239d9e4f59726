import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { parseTrace, type TraceEvent } from './events.js';

const ROOTS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];
const PREFIX = 'kvm-memtype-';
const EVENTS = ['kvm_tdp_mmu_spte_changed', 'kvm_mmu_set_spte', 'kvm_mmu_zap_all_fast'];
const BUFFER_KIB = 1024; // per CPU: about 14,000 events, many times what a scenario makes
const CHUNK = 1 << 16;

/** Where tracefs with KVM's MMU events is mounted, or why there is none to use. */
export function findTracefs(): { root: string } | { missing: string; lift: string } {
  const root = ROOTS.find((path) => existsSync(join(path, 'instances')));
  if (root === undefined) {
    return {
      missing: 'tracefs is not mounted',
      lift: 'mount -t tracefs nodev /sys/kernel/tracing (as root)',
    };
  }
  if (!existsSync(join(root, 'events/kvmmmu'))) {
    return {
      missing: 'the kernel has no kvmmmu trace events',
      lift: 'load kvm.ko on a kernel with CONFIG_EVENT_TRACING',
    };
  }
  return { root };
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);

/** Remove the tracing instances that killed runs of this program left behind; the pid is part of the name. */
export function sweepInstances(root: string): void {
  for (const name of readdirSync(join(root, 'instances'))) {
    const pid = Number(name.startsWith(PREFIX) ? name.slice(PREFIX.length) : Number.NaN);
    if (Number.isInteger(pid) && !isAlive(pid)) rmdirSync(join(root, 'instances', name));
  }
}

/**
 * Watches the EPT leaves that KVM makes and zaps on behalf of one thread, in a tracing instance of its own.
 *
 * The instance sees only the given thread (set_event_pid) and disappears on close.
 */
export class SpteObserver {
  readonly #dir: string;
  readonly #marker: number;
  readonly #pipe: number;
  readonly #chunk = Buffer.alloc(CHUNK);
  #closed = false;

  constructor(root: string, tid: number) {
    this.#dir = join(root, 'instances', `${PREFIX}${process.pid}`);
    mkdirSync(this.#dir);
    try {
      this.#configure(tid);
      this.#marker = openSync(join(this.#dir, 'trace_marker'), constants.O_WRONLY);
      this.#pipe = openSync(join(this.#dir, 'trace_pipe'), constants.O_RDONLY | constants.O_NONBLOCK);
    } catch (error) {
      rmdirSync(this.#dir);
      throw error;
    }
  }

  #write(file: string, value: string): void {
    writeFileSync(join(this.#dir, file), value);
  }

  #configure(tid: number): void {
    this.#write('buffer_size_kb', String(BUFFER_KIB));
    this.#write('trace_clock', 'global');
    this.#write('options/context-info', '0');
    this.#write('set_event_pid', String(tid));
    for (const event of EVENTS) this.#write(`events/kvmmmu/${event}/enable`, '1');
  }

  /** Say that what follows belongs to step `index`. */
  mark(index: number): void {
    writeSync(this.#marker, `step ${index}`);
  }

  /** Take everything seen since the last call, per step. */
  take(): Map<number, TraceEvent[]> {
    return parseTrace(this.#drain());
  }

  #drain(): string {
    const parts: string[] = [];
    for (;;) {
      try {
        const n = readSync(this.#pipe, this.#chunk);
        if (n === 0) break;
        parts.push(this.#chunk.toString('latin1', 0, n));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') break;
        throw error;
      }
    }
    return parts.join('');
  }

  /** Remove the tracing instance; a second call does nothing. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#pipe);
    closeSync(this.#marker);
    rmdirSync(this.#dir);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
