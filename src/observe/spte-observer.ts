import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { HUGE, PRESENT, UNMARKED_MMIO } from './spte.js';
import { TraceInstance } from './tracefs.js';

const isLeaf = (field: string): string => `${field} & ${PRESENT} && (level == 1 || ${field} & ${HUGE})`;

/**
 * The events to record, and which of them. Have the kernel leave out what are no leaves before and after: for each page table that
 * goes, KVM tells of all its 512 entries (handle_removed_pt()).
 */
const EVENTS: readonly (readonly [name: string, filter: string])[] = [
  ['kvm_tdp_mmu_spte_changed', `${isLeaf('old_spte')} || ${isLeaf('new_spte')}`],
  ['kvm_mmu_set_spte', `spte & ${PRESENT}`],
  ['kvm_mmu_zap_all_fast', '0'],
];
/** The same where entries have no bit for presence, and no event tells of changes (5.10): mmu_set_spte() tells of emulated MMIO too. */
const UNMARKED_EVENTS: typeof EVENTS = [
  ['kvm_mmu_set_spte', `!(${UNMARKED_MMIO.map((bit) => `spte & ${bit}`).join(' && ')})`],
  ['kvm_mmu_zap_all_fast', '0'],
];
/** Whether the kernel's trace tells of each change of an entry by the TDP MMU. */
export const tracesChanges = (root: string): boolean =>
  existsSync(join(root, 'events/kvmmmu/kvm_tdp_mmu_spte_changed'));
const BUFFER_KIB = 1024; // per CPU: about 14,000 events, many times what a scenario makes

/** Watches the EPT leaves that KVM makes and zaps on behalf of one thread, and of those that it starts. */
export class SpteObserver {
  readonly #trace: TraceInstance;

  /** @param root where tracefs is mounted. @param tid the thread to watch */
  constructor(root: string, tid: number) {
    this.#trace = new TraceInstance(root, tid, BUFFER_KIB);
    try {
      this.#trace.write('options/context-info', '0');
      this.#trace.write('options/event-fork', '1'); // a vCPU may run on a thread of its own
      for (const [event, filter] of tracesChanges(root) ? EVENTS : UNMARKED_EVENTS) {
        this.#trace.write(`events/kvmmmu/${event}/filter`, filter); // 0 is: record all
        this.#trace.write(`events/kvmmmu/${event}/enable`, '1');
      }
    } catch (error) {
      this.#trace.close();
      throw error;
    }
  }

  /** Say that what follows belongs to step `index`. */
  mark(index: number): void {
    this.#trace.mark(`step ${index}`);
  }

  /** Take everything seen since the last call, as the kernel's text: parseTrace() reads it. */
  take(): Buffer {
    return this.#trace.drain();
  }

  /** Remove every trace of the observer from tracefs; a second call does nothing. */
  close(): void {
    this.#trace.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
