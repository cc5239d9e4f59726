import { setTimeout as sleep } from 'node:timers/promises';
import { parseVmTrace } from '../observe/vm-events.js';
import type { VmObserver } from '../observe/vm-observer.js';
import type { Watcher } from './watcher.js';

/** How often to look while the VM is not there yet: its first moments are told of all VMs of the host. */
const SEARCH_MS = 200;

/** What following a monitor takes. */
export interface Follow {
  readonly observer: Pick<VmObserver, 'take' | 'only'>;
  readonly watcher: Watcher;
  readonly intervalMs: number;
  /** Whether the monitor still runs. */
  readonly isAlive: () => boolean;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Called with the trace as it comes. */
  readonly onText?: (text: string) => void;
  /** Called after each look. */
  readonly onLook: () => void;
}

const isSame = (a: readonly string[], b: readonly string[]): boolean => a.join() === b.join();

/**
 * Have the kernel tell of the monitor's VMs alone, once these have been there for a whole look: a monitor that makes one after another would
 * lose the first moments of each. Of all again, as soon as one has gone.
 */
class Narrowing {
  #told: readonly string[] = [];

  constructor(readonly o: Follow) {}

  /** @param before the VMs that there were before the last look */
  narrow(before: readonly string[]): void {
    const { observer, watcher } = this.o;
    const { kvms } = watcher;
    const hasGone = this.#told.some((kvm) => !kvms.includes(kvm));
    if (!hasGone && (isSame(kvms, this.#told) || !isSame(kvms, before))) return;
    this.#told = hasGone ? [] : kvms;
    observer.only(this.#told, !watcher.fromStart);
  }
}

/** Take what came since the last look. */
function look(o: Follow, narrowing: Narrowing): void {
  const { observer, watcher, onText, onLook } = o;
  const text = observer.take();
  if (text !== '') onText?.(text);
  const before = watcher.kvms;
  watcher.take(parseVmTrace(text));
  narrowing.narrow(before);
  onLook();
}

/** Follow a monitor's VMs until it ends or `signal` is aborted. @throws TraceError */
export async function follow(o: Follow): Promise<void> {
  const narrowing = new Narrowing(o);
  while (!o.signal.aborted && o.isAlive()) {
    look(o, narrowing);
    const ms = o.watcher.vms.length === 0 ? Math.min(SEARCH_MS, o.intervalMs) : o.intervalMs;
    await sleep(ms, undefined, { signal: o.signal }).catch(() => {});
  }
  look(o, narrowing); // What came at the very end.
}
