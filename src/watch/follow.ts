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

/**
 * Have the kernel tell of the monitor's VMs alone, once these have been there for a whole look: a monitor that makes one after another would
 * lose the first moments of each. Of all again, as soon as one has gone.
 */
function narrow({ observer, watcher }: Follow, before: readonly string[]): void {
  const { kvms, narrowedTo } = watcher;
  const isSame = (a: readonly string[], b: readonly string[]): boolean => a.join() === b.join();
  const hasGone = narrowedTo.some((kvm) => !kvms.includes(kvm));
  if (!hasGone && (isSame(kvms, narrowedTo) || !isSame(kvms, before))) return;
  watcher.narrowedTo = hasGone ? [] : kvms;
  observer.only(watcher.narrowedTo, !watcher.fromStart);
}

/** Take what came since the last look. */
function look(o: Follow): void {
  const { observer, watcher, onText, onLook } = o;
  const text = observer.take();
  if (text !== '') onText?.(text);
  const before = watcher.kvms;
  watcher.take(parseVmTrace(text));
  narrow(o, before);
  onLook();
}

/** Follow a monitor's VMs until it ends or `signal` is aborted. @throws TraceError */
export async function follow(o: Follow): Promise<void> {
  while (!o.signal.aborted && o.isAlive()) {
    look(o);
    const ms = o.watcher.vms.length === 0 ? Math.min(SEARCH_MS, o.intervalMs) : o.intervalMs;
    await sleep(ms, undefined, { signal: o.signal }).catch(() => {});
  }
  look(o); // What came at the very end.
}
