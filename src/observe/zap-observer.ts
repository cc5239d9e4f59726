import { TraceInstance } from './tracefs.js';
import { parseZapCalls, type ZapCall } from './zap-calls.js';

const BUFFER_KIB = 256;

/** Watches the calls of kvm_zap_gfn_range() that one thread makes, through a probe on its entry and return. */
export class ZapObserver {
  readonly #trace: TraceInstance;

  /** @param root where tracefs is mounted. @param tid the thread to watch */
  constructor(root: string, tid: number) {
    this.#trace = new TraceInstance(root, tid, BUFFER_KIB);
    try {
      // The second and third argument by the calling convention of x86-64: tinyconfig has no BTF to name them.
      this.#trace.addProbe('p', 'zap', 'kvm_zap_gfn_range start=%si end=%dx');
      this.#trace.addProbe('r', 'zapped', 'kvm_zap_gfn_range');
    } catch (error) {
      this.#trace.close();
      throw error;
    }
  }

  /**
   * Take the calls made since the last take().
   * @throws ZapTraceError if the kernel dropped events
   */
  take(): ZapCall[] {
    return parseZapCalls(this.#trace.drain().toString('latin1'));
  }

  /** Remove the probe and its instance; a second call does nothing. */
  close(): void {
    this.#trace.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
