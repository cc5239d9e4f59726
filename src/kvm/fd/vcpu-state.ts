import { struct, viewOf } from '../layout/bytes.js';
import { decodeEvents, encodeEvents, VCPU_EVENTS_SIZE, type VcpuEvents } from '../layout/events.js';
import {
  DEBUG_REGS_SIZE,
  type DebugRegs,
  decodeDebugRegs,
  decodeRegs,
  decodeSregs,
  encodeDebugRegs,
  encodeRegs,
  encodeSregs,
  REGS_SIZE,
  type Regs,
  SREGS_SIZE,
  type Sregs,
} from '../layout/registers.js';
import {
  type CpuidEntry,
  decodeCpuid,
  decodeMsrValues,
  emptyCpuid,
  encodeCpuid,
  encodeMsrs,
  type MsrEntry,
} from '../layout/tables.js';
import type { NativeVcpu } from '../native.js';
import { AttrHandle } from './device.js';

const FPU_SIZE = 416;
const LAPIC_SIZE = 1024;
const XCRS_SIZE = 392;
const MAX_CPUID_ENTRIES = 256;

/** What a vCPU holds: registers, MSRs, CPUID, events, its LAPIC. */
export abstract class VcpuState extends AttrHandle<NativeVcpu> {
  /**
   * KVM_GET_REGS.
   * Needs basic KVM.
   * @throws KvmError `KVM_IOCTL`: EINVAL the guest’s registers are encrypted
   */
  getRegs(): Regs {
    return decodeRegs(this.#read(REGS_SIZE, 'getRegs'));
  }

  /**
   * KVM_SET_REGS.
   * Needs basic KVM.
   * @throws KvmError `KVM_IOCTL`: EINVAL the guest’s registers are encrypted
   */
  setRegs(regs: Regs): void {
    this.native.setRegs(encodeRegs(regs));
  }

  /**
   * KVM_GET_SREGS.
   * Needs basic KVM.
   * @throws KvmError `KVM_IOCTL`: EINVAL the guest’s registers are encrypted
   */
  getSregs(): Sregs {
    return decodeSregs(this.#read(SREGS_SIZE, 'getSregs'));
  }

  /**
   * KVM_SET_SREGS.
   * Needs basic KVM.
   * @throws KvmError `KVM_IOCTL`: EINVAL CR0, CR4 and EFER do not go together, or hold bits that the guest’s CPUID
   * does not allow
   */
  setSregs(sregs: Sregs): void {
    this.native.setSregs(encodeSregs(sregs));
  }

  /**
   * KVM_GET_FPU: struct kvm_fpu, 416 bytes.
   * Needs basic KVM.
   * @throws KvmError `KVM_IOCTL`: EINVAL the guest’s state is protected
   */
  getFpu(): Uint8Array {
    return this.#read(FPU_SIZE, 'getFpu');
  }

  /**
   * KVM_SET_FPU.
   * Needs basic KVM.
   * @throws KvmError `KVM_IOCTL`: EINVAL the guest’s state is protected
   */
  setFpu(fpu: Uint8Array): void {
    this.native.setFpu(fpu);
  }

  /**
   * KVM_GET_XSAVE or KVM_GET_XSAVE2: the guest's whole XSAVE area.
   * Needs KVM_CAP_XSAVE, or KVM_CAP_XSAVE2 where the area is larger than 4096 bytes.
   * @throws KvmError `KVM_IOCTL`: EINVAL the guest’s state is protected
   */
  getXsave(): Uint8Array {
    return this.#read(this.native.xsaveSize(), 'getXsave');
  }

  /**
   * KVM_SET_XSAVE: an area as long as getXsave() gives.
   * Needs KVM_CAP_XSAVE.
   * @throws KvmError `KVM_IOCTL`: EINVAL the area names features that the guest or the host does not have
   */
  setXsave(xsave: Uint8Array): void {
    this.native.setXsave(xsave);
  }

  /**
   * KVM_GET_XCRS: struct kvm_xcrs, 392 bytes.
   * Needs KVM_CAP_XCRS.
   * @throws KvmError `KVM_IOCTL`: EINVAL the host has no XSAVE
   */
  getXcrs(): Uint8Array {
    return this.#read(XCRS_SIZE, 'getXcrs');
  }

  /**
   * KVM_SET_XCRS.
   * Needs KVM_CAP_XCRS.
   * @throws KvmError `KVM_IOCTL`: EINVAL the host has no XSAVE, or XCR0 would hold features that the guest does not
   * have
   */
  setXcrs(xcrs: Uint8Array): void {
    this.native.setXcrs(xcrs);
  }

  /**
   * KVM_GET_DEBUGREGS.
   * Needs KVM_CAP_DEBUGREGS.
   */
  getDebugRegs(): DebugRegs {
    return decodeDebugRegs(this.#read(DEBUG_REGS_SIZE, 'getDebugRegs'));
  }

  /**
   * KVM_SET_DEBUGREGS.
   * Needs KVM_CAP_DEBUGREGS.
   * @throws KvmError `KVM_IOCTL`: EINVAL a flag is set, or DR6 or DR7 has bits above 31
   */
  setDebugRegs(regs: DebugRegs): void {
    this.native.setDebugRegs(encodeDebugRegs(regs));
  }

  /**
   * KVM_GET_MSRS: values up to the first MSR that cannot be read.
   * Needs basic KVM.
   * @throws KvmError `KVM_IOCTL`: E2BIG over 256 at once
   */
  getMsrs(indices: readonly number[]): bigint[] {
    const bytes = encodeMsrs(indices.map((index) => ({ index })));
    return decodeMsrValues(bytes, this.native.getMsrs(bytes));
  }

  /**
   * KVM_SET_MSRS: how many were set before the first that was refused.
   * Needs basic KVM.
   * @throws KvmError `KVM_IOCTL`: E2BIG over 256 at once
   */
  setMsrs(entries: readonly MsrEntry[]): number {
    return this.native.setMsrs(encodeMsrs(entries));
  }

  /**
   * KVM_GET_CPUID2.
   * Needs KVM_CAP_EXT_CPUID.
   * @throws KvmError `KVM_IOCTL`: E2BIG the vCPU has over 256 entries
   */
  getCpuid2(): CpuidEntry[] {
    const bytes = emptyCpuid(MAX_CPUID_ENTRIES);
    this.native.getCpuid2(bytes);
    const entries = decodeCpuid(bytes);
    // Of 5.10 and 6.1 it does not tell how many there are (kvm_vcpu_ioctl_get_cpuid2()): behind them all is zero.
    return entries.slice(0, 1 + entries.findLastIndex((entry) => Object.values(entry).some((n) => n !== 0)));
  }

  /**
   * KVM_SET_CPUID2.
   * Needs KVM_CAP_EXT_CPUID.
   * @throws KvmError `KVM_IOCTL`: E2BIG over 256 entries; EINVAL an entry is not acceptable, or the vCPU has run
   * and this would change its CPUID
   */
  setCpuid2(entries: readonly CpuidEntry[]): void {
    this.native.setCpuid2(encodeCpuid(entries));
  }

  /**
   * KVM_GET_MP_STATE: KVM_MP_STATE_*.
   * Needs KVM_CAP_MP_STATE.
   */
  getMpState(): number {
    return viewOf(this.#read(4, 'getMpState')).getUint32(0, true);
  }

  /**
   * KVM_SET_MP_STATE.
   * Needs KVM_CAP_MP_STATE.
   * @throws KvmError `KVM_IOCTL`: EINVAL the state needs an in-kernel LAPIC that the VM has not
   */
  setMpState(state: number): void {
    this.native.setMpState(struct(4, (put) => put.u32(0, state, 'state')));
  }

  /**
   * KVM_GET_VCPU_EVENTS.
   * Needs KVM_CAP_VCPU_EVENTS.
   */
  getVcpuEvents(): VcpuEvents {
    return decodeEvents(this.#read(VCPU_EVENTS_SIZE, 'getVcpuEvents'));
  }

  /**
   * KVM_SET_VCPU_EVENTS.
   * Needs KVM_CAP_VCPU_EVENTS.
   * @throws KvmError `KVM_IOCTL`: EINVAL a flag or an exception’s vector is not valid
   */
  setVcpuEvents(events: VcpuEvents): void {
    this.native.setVcpuEvents(encodeEvents(events));
  }

  /**
   * KVM_GET_LAPIC: the 1024 bytes of its register page.
   * Needs KVM_CAP_IRQCHIP.
   * @throws KvmError `KVM_IOCTL`: EINVAL the VM has no in-kernel LAPIC
   */
  getLapic(): Uint8Array {
    return this.#read(LAPIC_SIZE, 'getLapic');
  }

  /**
   * KVM_SET_LAPIC.
   * Needs KVM_CAP_IRQCHIP.
   * @throws KvmError `KVM_IOCTL`: EINVAL the VM has no in-kernel LAPIC, or the APIC’s id does not fit
   */
  setLapic(lapic: Uint8Array): void {
    this.native.setLapic(lapic);
  }

  #read(size: number, method: keyof NativeVcpu & `get${string}`): Uint8Array {
    const bytes = new Uint8Array(size);
    (this.native[method] as (bytes: Uint8Array) => number)(bytes);
    return bytes;
  }
}
