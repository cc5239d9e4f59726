import { checkU64, GONE } from './bytes.js';
import { decodeExit, type VcpuExit } from './exits.js';

// Offsets into struct kvm_run (linux/kvm.h). The union of exits starts at 32 and is 256 bytes long.
const AT = {
  requestInterruptWindow: 0,
  exitReason: 8,
  readyForInterruptInjection: 12,
  ifFlag: 13,
  flags: 14,
  cr8: 16,
  apicBase: 24,
  union: 32,
  ioDirection: 32,
  ioSize: 33,
  ioPort: 34,
  ioCount: 36,
  ioDataOffset: 40,
  mmioAddress: 32,
  mmioData: 40,
  mmioLength: 48,
  mmioIsWrite: 52,
  msrError: 32,
  msrReason: 40,
  msrIndex: 44,
  msrData: 48,
  hypercallRet: 88,
  validRegs: 288,
  dirtyRegs: 296,
  syncRegs: 304,
} as const;

const UNION_WORDS = 32;
const SYNC_REGS_SIZE = 2048;

/**
 * A vCPU's kvm_run, read in place: every getter is one typed read of the shared page, and getters that yield
 * numbers allocate nothing. The `io`, `mmio` and `msr` groups are only meaningful after an exit of their kind.
 * What the guest chose (ports, addresses, lengths) is checked where it is used as an offset.
 * Setters of u64 fields throw KvmError `KVM_ARGUMENT` for what is none. After the vCPU is closed every getter throws a TypeError.
 */
export class KvmRun {
  #view: DataView;
  /** The 8 bytes of MMIO data: what the guest writes, or what it is to read. */
  mmioData: Uint8Array;

  /** @internal */
  constructor(buffer: ArrayBuffer) {
    this.#view = new DataView(buffer);
    this.mmioData = new Uint8Array(buffer, AT.mmioData, 8);
  }

  /** @internal The buffer stays, and reads as zeros: do not take them for an exit. */
  close(): void {
    this.#view = GONE.view;
    this.mmioData = GONE.bytes;
  }

  /** KVM_EXIT_* of the last exit. */
  get exitReason(): number {
    return this.#view.getUint32(AT.exitReason, true);
  }
  /** Nonzero if KVM can take an interrupt now. */
  get readyForInterruptInjection(): number {
    return this.#view.getUint8(AT.readyForInterruptInjection);
  }
  /** The guest's RFLAGS.IF. */
  get ifFlag(): number {
    return this.#view.getUint8(AT.ifFlag);
  }
  /** KVM_RUN_X86_* flags. */
  get flags(): number {
    return this.#view.getUint16(AT.flags, true);
  }
  /** The guest's CR8, as of the last exit; set, it is loaded at the next entry. */
  get cr8(): bigint {
    return this.#view.getBigUint64(AT.cr8, true);
  }
  /** The guest's CR8 at the next entry. */
  set cr8(value: bigint) {
    this.#view.setBigUint64(AT.cr8, checkU64(value, 'cr8'), true);
  }
  /** The guest's IA32_APIC_BASE, as of the last exit. */
  get apicBase(): bigint {
    return this.#view.getBigUint64(AT.apicBase, true);
  }
  /** Ask for an exit as soon as the guest can take an interrupt. */
  set requestInterruptWindow(value: boolean) {
    this.#view.setUint8(AT.requestInterruptWindow, value ? 1 : 0);
  }

  /** KVM_EXIT_IO_IN or KVM_EXIT_IO_OUT. */
  get ioDirection(): number {
    return this.#view.getUint8(AT.ioDirection);
  }
  /** Bytes of one access: 1, 2 or 4. */
  get ioSize(): number {
    return this.#view.getUint8(AT.ioSize);
  }
  /** The port of the access. */
  get ioPort(): number {
    return this.#view.getUint16(AT.ioPort, true);
  }
  /** Number of accesses: more than 1 for INS and OUTS. */
  get ioCount(): number {
    return this.#view.getUint32(AT.ioCount, true);
  }
  /** Datum `index` of ioCount. */
  getIoData(index = 0): number {
    const size = this.ioSize;
    const at = this.#ioOffset(index, size);
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true);
  }
  /** Set datum `index` of ioCount, for the guest to read: as many low bits of the value as the access has. */
  setIoData(value: number, index = 0): void {
    const size = this.ioSize;
    const at = this.#ioOffset(index, size);
    if (size === 1) this.#view.setUint8(at, value);
    else if (size === 2) this.#view.setUint16(at, value, true);
    else this.#view.setUint32(at, value, true);
  }

  /** Guest-physical address of an MMIO access. */
  get mmioAddress(): bigint {
    return this.#view.getBigUint64(AT.mmioAddress, true);
  }
  /** The same as a number, exact below 2^53, without allocating. */
  get mmioAddressNumber(): number {
    const high = this.#view.getUint32(AT.mmioAddress + 4, true);
    return high * 2 ** 32 + this.#view.getUint32(AT.mmioAddress, true);
  }
  /** Bytes of the access, 1 to 8. */
  get mmioLength(): number {
    return this.#view.getUint32(AT.mmioLength, true);
  }
  /** Whether the guest writes. */
  get mmioIsWrite(): boolean {
    return this.#view.getUint8(AT.mmioIsWrite) !== 0;
  }

  /** KVM_MSR_EXIT_REASON_*. */
  get msrReason(): number {
    return this.#view.getUint32(AT.msrReason, true);
  }
  /** The MSR's number. */
  get msrIndex(): number {
    return this.#view.getUint32(AT.msrIndex, true);
  }
  /** The value written by WRMSR, or to be read by RDMSR. */
  get msrData(): bigint {
    return this.#view.getBigUint64(AT.msrData, true);
  }
  /** What RDMSR is to read. */
  set msrData(value: bigint) {
    this.#view.setBigUint64(AT.msrData, checkU64(value, 'msrData'), true);
  }
  /** Make the MSR access end in #GP. */
  set msrError(value: boolean) {
    this.#view.setUint8(AT.msrError, value ? 1 : 0);
  }

  /** What a hypercall returns in RAX. */
  set hypercallRet(value: bigint) {
    this.#view.setBigUint64(AT.hypercallRet, checkU64(value, 'hypercallRet'), true);
  }

  /** KVM_SYNC_X86_* sets that KVM is to store into `syncRegs` at each exit. */
  set validRegs(sets: bigint) {
    this.#view.setBigUint64(AT.validRegs, checkU64(sets, 'validRegs'), true);
  }
  /** KVM_SYNC_X86_* sets that KVM is to load from `syncRegs` at the next entry. */
  set dirtyRegs(sets: bigint) {
    this.#view.setBigUint64(AT.dirtyRegs, checkU64(sets, 'dirtyRegs'), true);
  }
  /** struct kvm_sync_regs: regs, sregs and events in turn (KVM_CAP_SYNC_REGS). */
  syncRegs(): Uint8Array {
    return new Uint8Array(this.#view.buffer, AT.syncRegs, SYNC_REGS_SIZE);
  }

  /** The exit's union as u64s, undecoded. */
  raw(): bigint[] {
    return Array.from({ length: UNION_WORDS }, (_, i) => this.#view.getBigUint64(AT.union + 8 * i, true));
  }

  /** Decode the last exit into an object of its own: for errors, logs and cold paths. */
  exit(): VcpuExit {
    return decodeExit(this.#view, this);
  }

  #ioOffset(index: number, size: number): number {
    // data_offset is a u64 that never leaves the mapping; a hostile write to the page must not lead outside.
    return this.#view.getUint32(AT.ioDataOffset, true) + index * size;
  }
}
