import { CR0_CD, CR0_NW, CR0_PE, CR0_PG } from '../../arch/cr0.js';
import { PAT_RESET } from '../../arch/msrs.js';
import type { MsrRules, VcpuView } from '../policy.js';
import { classifyMsr, isNearMtrrs, isValidMsrValue, type MtrrMsr, reservedAddressBits } from '../sdm/msrs.js';
import { MtrrState } from '../sdm/mtrr.js';

/** The outcome of an MSR write; undefined for MSRs that this model does not know. */
export type MsrOutcome = { ok: true; msr: MtrrMsr } | { ok: false; reason: 'INVAL' | 'UNKNOWN' } | undefined;

/** The state of one vCPU that memory types depend on. Starts as after KVM_CREATE_VCPU and KVM_SET_CPUID2. */
export class VcpuModel implements VcpuView {
  mtrr = MtrrState.initial;
  pat = PAT_RESET;
  cr0 = CR0_PE | CR0_PG;

  constructor(
    readonly id: number,
    public maxphyaddr: number,
    public mtrrCpuid: boolean,
  ) {}

  clone(): VcpuModel {
    return Object.assign(new VcpuModel(this.id, this.maxphyaddr, this.mtrrCpuid), this);
  }

  get cd(): boolean {
    return (this.cr0 & CR0_CD) !== 0n;
  }

  /** Write an MSR as the guest or KVM_SET_MSRS does; MTRRcap is read-only, and KVM knows no write to it. */
  writeMsr(index: number, value: bigint, rules: MsrRules): MsrOutcome {
    const msr = classifyMsr(index);
    if (msr === undefined) {
      const reason = this.refusalOf(index, rules);
      return reason && { ok: false, reason };
    }
    if (msr.kind === 'cap') return { ok: false, reason: 'UNKNOWN' };
    if (!isValidMsrValue(msr, value, this.maxphyaddr)) return { ok: false, reason: 'INVAL' };
    if (msr.kind === 'pat') this.pat = value;
    else this.mtrr = this.mtrr.write(msr, value, this.maxphyaddr);
    return { ok: true, msr };
  }

  /** Why KVM refuses a number that is neither an MTRR nor the PAT, read or written; undefined for one that this model does not know. */
  refusalOf(index: number, rules: MsrRules): 'INVAL' | 'UNKNOWN' | undefined {
    if (!isNearMtrrs(index)) return undefined;
    return rules.invalidNotUnknown(index) ? 'INVAL' : 'UNKNOWN';
  }

  /** Read an MSR; undefined where a read faults, or where the model does not know the MSR. */
  readMsr(index: number, rules: MsrRules): bigint | undefined {
    const msr = classifyMsr(index);
    if (msr === undefined) return undefined;
    if (msr.kind === 'pat') return this.pat;
    const value = this.mtrr.read(msr);
    const variable = msr.kind === 'base' || msr.kind === 'mask';
    return variable && rules.masksReservedOnRead ? value & ~reservedAddressBits(this.maxphyaddr) : value;
  }

  /** Whether a guest's write to CR0 is legal (SDM, "Control Registers": PG needs PE, NW needs CD). */
  static isValidCr0(value: bigint): boolean {
    const bad = (bit: bigint, needs: bigint): boolean => (value & bit) !== 0n && (value & needs) === 0n;
    return value >> 32n === 0n && !bad(CR0_PG, CR0_PE) && !bad(CR0_NW, CR0_CD);
  }
}
