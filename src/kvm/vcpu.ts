import { AttrHandle } from './device.js';
import { KvmFile } from './file.js';
import { readU64s, struct, viewOf, writeU64s } from './layout/bytes.js';
import { DirtyRing } from './layout/dirty-ring.js';
import { decodeEvents, encodeEvents, VCPU_EVENTS_SIZE, type VcpuEvents } from './layout/events.js';
import { KvmRun } from './layout/kvm-run.js';
import {
  decodeRegs,
  decodeSregs,
  encodeRegs,
  encodeSregs,
  REGS_SIZE,
  type Regs,
  SREGS_SIZE,
  type Sregs,
} from './layout/registers.js';
import {
  type CpuidEntry,
  decodeCpuid,
  decodeMsrValues,
  emptyCpuid,
  encodeCpuid,
  encodeMsrs,
  type MsrEntry,
} from './layout/tables.js';
import { encodeCap } from './layout/vm-structs.js';
import { NATIVE_KICKED, NATIVE_TIMED_OUT, type NativeVcpu, native } from './native.js';

export type { VcpuEvents } from './layout/events.js';
export type { DescriptorTable, Regs, Segment, Sregs } from './layout/registers.js';

const DEBUG_REGS = ['dr0', 'dr1', 'dr2', 'dr3', 'dr6', 'dr7', 'flags'] as const;
const DEBUG_REGS_SIZE = 128;
const FPU_SIZE = 416;
const LAPIC_SIZE = 1024;
const XCRS_SIZE = 392;
const MAX_CPUID_ENTRIES = 256;
const ERRNO = 0xffff;

/** Debug registers (struct kvm_debugregs). */
export type DebugRegs = Record<(typeof DEBUG_REGS)[number], bigint>;

/**
 * Stop a vCPU that another thread may be running: its enter() in progress, else its next, returns EINTR with
 * `kicked` set. A kick is never lost; docs/kick.md says why.
 * @param handle the vCPU's `handle`
 * @returns false if the vCPU is closed
 */
export function kickVcpu(handle: number): boolean {
  return native().kickVcpu(handle);
}

/** A virtual CPU. It belongs to the thread that made it; others may kick it. */
export class Vcpu extends AttrHandle<NativeVcpu> {
  readonly #run: KvmRun;
  #ring: DirtyRing | undefined;
  readonly #resume: () => number | undefined;
  #entry = 0;

  /** @internal */
  constructor(
    vcpu: NativeVcpu,
    /** The id it was created with. */
    readonly id: number,
  ) {
    super(vcpu);
    this.#run = new KvmRun(vcpu.runBuffer());
    this.#resume = vcpu.resumer();
  }

  /** Number by which another thread of this process can kickVcpu(). */
  get handle(): number {
    return this.native.number();
  }

  /** The vCPU's kvm_run. */
  get run(): KvmRun {
    return this.#run;
  }

  /**
   * The whole mapping: kvm_run, the PIO data page and the coalesced MMIO ring. After close() it reads as zeros
   * (docs/memory.md).
   */
  get runBuffer(): ArrayBuffer {
    return this.native.runBuffer();
  }

  override close(): void {
    super.close();
    this.#run.close();
    this.#ring?.close();
  }

  /**
   * The vCPU's dirty ring, once KVM_CAP_DIRTY_LOG_RING is enabled on the VM.
   * @throws KvmError `KVM_ARGUMENT` before that
   */
  dirtyRing(): DirtyRing {
    this.#ring ??= new DirtyRing(this.native.dirtyRing());
    return this.#ring;
  }

  /**
   * One KVM_RUN, bounded in time.
   * @param budgetMs milliseconds, 0 to 86400000, fractions allowed
   * @returns 0 for an exit, else the errno; EINTR only if `timedOut` or `kicked`
   * @throws KvmError `KVM_ARGUMENT`, `KVM_CLOSED`
   */
  enter(budgetMs: number): number {
    this.#entry = this.native.enter(budgetMs);
    return this.#entry & ERRNO;
  }

  /**
   * One more KVM_RUN, under what is left of the last enter()'s budget: for loops over many exits. It reads no clock
   * and allocates nothing.
   * @returns as enter()
   * @throws KvmError `KVM_ARGUMENT` before the first enter(), `KVM_CLOSED`
   */
  resume(): number {
    this.#entry = this.#resume() ?? 0;
    return this.#entry & ERRNO;
  }

  /** Whether the last run used up its budget. */
  get timedOut(): boolean {
    return (this.#entry & NATIVE_TIMED_OUT) !== 0;
  }

  /** Whether the last run was stopped by kickVcpu(). */
  get kicked(): boolean {
    return (this.#entry & NATIVE_KICKED) !== 0;
  }

  /**
   * Finish the access of the last PIO, MMIO or MSR exit without running the guest, so that registers can be read
   * and set (KVM_RUN with immediate_exit).
   */
  completeExit(): number {
    return this.native.complete();
  }

  /**
   * KVM_ENABLE_CAP with up to four arguments.
   * Needs KVM_CAP_ENABLE_CAP.
   * @throws KvmError `KVM_IOCTL`: EINVAL the capability is not known, or cannot be enabled on a vCPU
   */
  enableCap(cap: number, args: readonly bigint[] = [], flags = 0): number {
    return this.native.enableCap(encodeCap(cap, args, flags));
  }

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
   */
  getFpu(): Uint8Array {
    return this.#read(FPU_SIZE, 'getFpu');
  }

  /**
   * KVM_SET_FPU.
   * Needs basic KVM.
   */
  setFpu(fpu: Uint8Array): void {
    this.native.setFpu(fpu);
  }

  /**
   * KVM_GET_XSAVE or KVM_GET_XSAVE2: the guest's whole XSAVE area.
   * Needs KVM_CAP_XSAVE, or KVM_CAP_XSAVE2 where the area is larger than 4096 bytes.
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
    return readU64s(viewOf(this.#read(DEBUG_REGS_SIZE, 'getDebugRegs')), 0, DEBUG_REGS);
  }

  /**
   * KVM_SET_DEBUGREGS.
   * Needs KVM_CAP_DEBUGREGS.
   * @throws KvmError `KVM_IOCTL`: EINVAL a flag is set, or DR6 or DR7 has bits above 31
   */
  setDebugRegs(regs: DebugRegs): void {
    this.native.setDebugRegs(struct(DEBUG_REGS_SIZE, (view) => writeU64s(view, 0, DEBUG_REGS, regs)));
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
    return decodeCpuid(bytes);
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
    this.native.setMpState(struct(4, (view) => view.setUint32(0, state, true)));
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

  /**
   * KVM_NMI.
   * Needs KVM_CAP_USER_NMI.
   */
  nmi(): void {
    this.native.nmi();
  }

  /**
   * KVM_SMI.
   * Needs KVM_CAP_X86_SMM.
   * @throws KvmError `KVM_IOCTL`: ENOTTY the kernel is built without CONFIG_KVM_SMM
   */
  smi(): void {
    this.native.smi();
  }

  /**
   * KVM_INTERRUPT: queue an external interrupt; only without an in-kernel irqchip.
   * Needs basic KVM.
   * @param vector 0 to 255
   * @throws KvmError `KVM_IOCTL`: EINVAL the vector is over 255; ENXIO the VM has an in-kernel PIC; EEXIST with a
   * split irqchip, one is queued already
   */
  interrupt(vector: number): void {
    this.native.interrupt(struct(4, (view) => view.setUint32(0, vector, true)));
  }

  /**
   * KVM_SET_GUEST_DEBUG.
   * Needs KVM_CAP_SET_GUEST_DEBUG.
   * @param control KVM_GUESTDBG_*
   * @param debugRegs DR0 to DR7 for USE_HW_BP
   * @throws KvmError `KVM_IOCTL`: EBUSY an exception is pending; EINVAL the guest’s state is protected
   */
  setGuestDebug(control: number, debugRegs: readonly bigint[] = []): void {
    this.native.setGuestDebug(
      struct(72, (view) => {
        view.setUint32(0, control, true);
        debugRegs.slice(0, 8).forEach((value, i) => {
          view.setBigUint64(8 + 8 * i, value, true);
        });
      }),
    );
  }

  /**
   * KVM_GET_TSC_KHZ.
   * Needs KVM_CAP_GET_TSC_KHZ.
   */
  getTscKhz(): number {
    return this.native.getTscKhz();
  }

  /**
   * KVM_SET_TSC_KHZ.
   * Needs KVM_CAP_TSC_CONTROL to set another rate than the host’s.
   * @throws KvmError `KVM_IOCTL`: EINVAL the rate is too high for the CPU
   */
  setTscKhz(khz: number): void {
    this.native.setTscKhz(khz);
  }

  /**
   * KVM_KVMCLOCK_CTRL: tell the guest that it was paused.
   * Needs KVM_CAP_KVMCLOCK_CTRL.
   * @throws KvmError `KVM_IOCTL`: EINVAL the guest does not use kvmclock
   */
  kvmclockCtrl(): void {
    this.native.kvmclockCtrl();
  }

  /**
   * KVM_TRANSLATE: the gpa that a linear address maps to now, or undefined.
   * Needs basic KVM.
   */
  translate(linear: bigint): bigint | undefined {
    const bytes = struct(24, (view) => view.setBigUint64(0, linear, true));
    this.native.translate(bytes);
    const view = viewOf(bytes);
    return view.getUint8(16) ? view.getBigUint64(8, true) : undefined;
  }

  /**
   * KVM_PRE_FAULT_MEMORY (Linux 6.11): map a range before the guest touches it.
   * Needs KVM_CAP_PRE_FAULT_MEMORY, Linux 6.11.
   * @returns the bytes that are still to do
   * @throws KvmError `KVM_IOCTL`: EINVAL the range is no multiple of 4096 or empty; ENOENT no slot is there;
   * EOPNOTSUPP the VM has no TDP; ENOTTY on older kernels
   */
  preFaultMemory(gpa: bigint, size: bigint): bigint {
    const bytes = struct(64, (view) => {
      view.setBigUint64(0, gpa, true);
      view.setBigUint64(8, size, true);
    });
    this.native.preFaultMemory(bytes);
    return viewOf(bytes).getBigUint64(8, true);
  }

  /**
   * KVM_GET_STATS_FD: binary statistics of the vCPU.
   * Needs KVM_CAP_BINARY_STATS_FD, Linux 5.14.
   * @throws KvmError `KVM_IOCTL`: ENOTTY on older kernels
   */
  statsFd(): KvmFile {
    return new KvmFile(this.native.statsFd());
  }

  #read(size: number, method: keyof NativeVcpu & `get${string}`): Uint8Array {
    const bytes = new Uint8Array(size);
    (this.native[method] as (bytes: Uint8Array) => number)(bytes);
    return bytes;
  }
}
