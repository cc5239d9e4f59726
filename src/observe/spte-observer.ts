import { parseTrace, type TraceEvent } from './events.js';
import { TraceInstance } from './tracefs.js';

const EVENTS = ['kvm_tdp_mmu_spte_changed', 'kvm_mmu_set_spte', 'kvm_mmu_zap_all_fast'];
const BUFFER_KIB = 1024; // per CPU: about 14,000 events, many times what a scenario makes

/** Watches the EPT leaves that KVM makes and zaps on behalf of one thread. */
export class SpteObserver {
  readonly #trace: TraceInstance;

  /** @param root where tracefs is mounted. @param tid the thread to watch */
  constructor(root: string, tid: number) {
    this.#trace = new TraceInstance(root, tid, BUFFER_KIB);
    try {
      this.#trace.write('options/context-info', '0');
      for (const event of EVENTS) this.#trace.write(`events/kvmmmu/${event}/enable`, '1');
    } catch (error) {
      this.#trace.close();
      throw error;
    }
  }

  /** Say that what follows belongs to step `index`. */
  mark(index: number): void {
    this.#trace.mark(`step ${index}`);
  }

  /**
   * Take everything seen since the last call, per step.
   * @throws TraceError if the kernel dropped events
   */
  take(): Map<number, TraceEvent[]> {
    return parseTrace(this.#trace.drain());
  }

  /** Remove every trace of the observer from tracefs; a second call does nothing. */
  close(): void {
    this.#trace.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
