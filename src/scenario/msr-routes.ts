import type { MsrRefusal } from '../memtype/index.js';
import { classifyMsr } from '../memtype/sdm/msrs.js';
import type { MsrMode, MsrOp } from './types.js';

/** What becomes of a guest's MSR accesses beside KVM's own emulation: the filter, and the exits to user space. */
export class MsrRoutes {
  readonly #filtered: boolean;
  readonly #reasons: ReadonlySet<MsrRefusal>;

  constructor(mode: MsrMode) {
    this.#filtered = mode !== 'kernel';
    this.#reasons = new Set(['INVAL', 'UNKNOWN', ...(this.#filtered ? (['FILTER'] as const) : [])]);
  }

  /** KVM's filter denies the guest this access. */
  denies({ msr }: MsrOp): boolean {
    return this.#filtered && classifyMsr(msr) !== undefined;
  }

  /** User space asked for exits with this KVM_MSR_EXIT_REASON_. */
  asksFor(reason: MsrRefusal): boolean {
    return this.#reasons.has(reason);
  }
}
