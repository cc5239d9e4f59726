import type { MsrRefusal } from '../memtype/index.js';
import { classifyMsr } from '../memtype/sdm/msrs.js';
import type { MsrExitReason, MsrFilterStep, MsrMode, MsrOp } from './types.js';

/** MSRs whose bits fit the largest bitmap that KVM takes (KVM_MSR_FILTER_MAX_BITMAP_SIZE). */
const RANGE_LIMIT = 8 * 0x600;

/** What becomes of a guest's MSR accesses beside KVM's own emulation: the filter, and the exits to user space. */
export class MsrRoutes {
  /** The VMM answers what its own filter denies. */
  readonly #answered: boolean;
  #reasons: ReadonlySet<MsrExitReason>;
  #filter: MsrFilterStep | undefined;

  constructor(mode: MsrMode) {
    this.#answered = mode !== 'kernel';
    this.#reasons = new Set(['INVAL', 'UNKNOWN', ...(this.#answered ? (['FILTER'] as const) : [])]);
  }

  /** KVM_CAP_X86_USER_SPACE_MSR: the exits that user space asks for from now on. */
  ask(reasons: readonly MsrExitReason[]): void {
    this.#reasons = new Set(reasons);
  }

  /** KVM_X86_SET_MSR_FILTER: why KVM refuses the filter (`kvm_vm_ioctl_set_msr_filter()`), else undefined. */
  setFilter(filter: MsrFilterStep): string | undefined {
    if (filter.deny && filter.ranges.length === 0) return 'a filter that denies by default needs a range';
    if (filter.ranges.some(({ count }) => count > RANGE_LIMIT))
      return `a range has ${RANGE_LIMIT} MSRs at most`;
    this.#filter = filter;
    return undefined;
  }

  /** KVM's filter denies the guest this access. */
  denies(op: MsrOp): boolean {
    if (this.#answered) return classifyMsr(op.msr) !== undefined;
    return this.#filter !== undefined && isDenied(this.#filter, op);
  }

  /** The access, as the model is to know it. */
  routed(op: MsrOp): MsrOp & { denied?: true } {
    return !this.#answered && this.denies(op) ? { ...op, denied: true } : op;
  }

  /** User space asked for exits with this KVM_MSR_EXIT_REASON_. */
  asksFor(reason: MsrRefusal): boolean {
    return this.#reasons.has(reason);
  }
}

/** The first range that is about the access decides (`kvm_msr_allowed()`). */
function isDenied({ deny, ranges }: MsrFilterStep, { msr, value }: MsrOp): boolean {
  const direction = value === undefined ? 'read' : 'write';
  const range = ranges.find(
    ({ base, count, access }) =>
      msr >= base && msr < base + count && (access === 'both' || access === direction),
  );
  return range === undefined ? deny : !range.allow.includes(msr);
}
