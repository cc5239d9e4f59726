import { struct, viewOf } from '../layout/bytes.js';
import { DirtyRing } from '../layout/dirty-ring.js';
import { KvmRun } from '../layout/kvm-run.js';
import { encodeCap } from '../layout/vm-structs.js';
import { NATIVE_KICKED, NATIVE_TIMED_OUT, type NativeVcpu, native } from '../native.js';
import { KvmFile } from './file.js';
import { VcpuState } from './vcpu-state.js';

export type { VcpuEvents } from '../layout/events.js';
export type { DebugRegs, DescriptorTable, Regs, Segment, Sregs } from '../layout/registers.js';

const ERRNO = 0xffff;

/**
 * Stop a vCPU that another thread may be running: its enter() in progress, else its next, returns EINTR with
 * `kicked` set. A kick is never lost; docs/kick.md says why.
 * @param handle the vCPU's `handle`
 * @returns false if the vCPU is closed
 */
export function kickVcpu(handle: number): boolean {
  return native().kickVcpu(handle);
}

/** As long as a vCPU may run by default: many times what a range of a scenario takes in the lab. */
const PRE_FAULT_MS = 1000;

/** A virtual CPU. It belongs to the thread that made it; others may kick it. */
export class Vcpu extends VcpuState {
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
   * Needs basic KVM; KVM_CAP_IMMEDIATE_EXIT for the bound.
   * @param budgetMs milliseconds, 0 to 86400000, fractions allowed
   * @returns 0 for an exit, else the errno: EINTR only if `timedOut` or `kicked`; EAGAIN the vCPU waited for an INIT and
   * was woken; EFAULT the guest reached memory that the host has not; EINVAL `validRegs`, `dirtyRegs` or CR8 in kvm_run are not valid
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

  /**
   * Prepare one KVM_RUN on a thread of its own, so that vCPUs run at the same time while this thread goes on. The thread
   * waits for go(). Until finish() the vCPU may only be kicked or closed: leave its ioctls and kvm_run alone.
   * @param budgetMs as for enter()
   * @throws KvmError `KVM_ARGUMENT` if one is prepared already, `KVM_CLOSED`; `KVM_IOCTL` if there can be no more threads
   */
  begin(budgetMs: number): void {
    this.native.begin(budgetMs);
  }

  /**
   * Let the thread of begin() enter the guest; this does not wait.
   * @throws KvmError `KVM_ARGUMENT` before begin(), `KVM_CLOSED`
   */
  go(): void {
    this.native.go();
  }

  /**
   * Wait for the end of the run that was begun.
   * @returns as enter(); resume() goes on under the same budget
   * @throws KvmError `KVM_ARGUMENT` before begin(), `KVM_CLOSED`
   */
  finish(): number {
    this.#entry = this.native.finish();
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
   * Needs KVM_CAP_IMMEDIATE_EXIT.
   * @returns the errno, EINTR if all went well
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
    this.native.interrupt(struct(4, (put) => put.u32(0, vector, 'vector')));
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
      struct(72, (put) => {
        put.u32(0, control, 'control');
        debugRegs.slice(0, 8).forEach((value, i) => {
          put.u64(8 + 8 * i, value, 'debugRegs');
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
    const bytes = struct(24, (put) => put.u64(0, linear, 'linear'));
    this.native.translate(bytes);
    const view = viewOf(bytes);
    return view.getUint8(16) ? view.getBigUint64(8, true) : undefined;
  }

  /**
   * KVM_PRE_FAULT_MEMORY (Linux 6.11): map a range before the guest touches it.
   * Needs KVM_CAP_PRE_FAULT_MEMORY, Linux 6.11. Up to 6.15 it may go on for ever (erratum s8, docs/errata.md), so it is bounded.
   * @param budgetMs milliseconds, 0 to 86400000, fractions allowed
   * @returns the bytes that are still to do
   * @throws KvmError `KVM_IOCTL`: EINVAL the range is no multiple of 4096 or empty; ENOENT no slot is there; EINTR the budget is used up;
   * EOPNOTSUPP the VM has no TDP; ENOTTY on older kernels
   */
  preFaultMemory(gpa: bigint, size: bigint, budgetMs = PRE_FAULT_MS): bigint {
    const bytes = struct(64, (put) => {
      put.u64(0, gpa, 'gpa');
      put.u64(8, size, 'size');
    });
    this.native.preFaultMemory(bytes, budgetMs);
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
}
