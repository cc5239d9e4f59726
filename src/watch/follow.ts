import { setTimeout as sleep } from 'node:timers/promises';
import { parseVmTrace } from '../observe/vm-events.js';
import type { VmObserver } from '../observe/vm-observer.js';
import type { Watcher } from './watcher.js';

/** How often to look while the VM is not there yet: its first moments are told of all VMs of the host. */
const SEARCH_MS = 200;

/** What following a monitor takes. */
export interface Follow {
  readonly observer: VmObserver;
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

/** Take what came since the last look. */
function look({ observer, watcher, onText, onLook }: Follow): void {
  const text = observer.take();
  if (text !== '') onText?.(text);
  const before = watcher.kvms.join();
  watcher.take(parseVmTrace(text));
  const { kvms } = watcher;
  if (kvms.length > 0 && kvms.join() !== before) observer.only(kvms, !watcher.fromStart);
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
