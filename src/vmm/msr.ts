import type { Vcpu } from '../kvm/fd/vcpu.js';
import { MEMORY_TYPE_MSRS, validMemoryTypeWrite } from './mtrr-valid.js';

/** Why KVM asked: its own emulation refused the access, does not know the MSR, the filter denies it, or none that is documented. */
export type MsrReason = 'inval' | 'unknown' | 'filter' | 'other';

/** What became of an access: given to KVM, kept in user space, handled otherwise, or refused with #GP. */
export type MsrAction = 'forwarded' | 'kept' | 'handled' | 'gp';

/** One MSR exit. */
export interface MsrLogEntry {
  vcpu: number;
  msr: number;
  write: boolean;
  value: bigint;
  reason: MsrReason;
  action: MsrAction;
}

/** Emulates MSRs in user space. */
export interface MsrHandler {
  /** What the log says of accesses that were taken. */
  readonly action: MsrAction;
  /** The value of an MSR, or undefined to refuse with #GP. */
  read(vcpu: Vcpu, msr: number): bigint | undefined;
  /** Take a write; false refuses it with #GP. */
  write(vcpu: Vcpu, msr: number, value: bigint): boolean;
}

/** The guest decides how much it writes: keep no more than this. */
const LOG_LIMIT = 4096;

/** MSR exits of a machine: handlers by MSR number, #GP where there is none, and a log of what was asked. */
export class MsrExits {
  readonly #handlers = new Map<number, MsrHandler>();
  #log: MsrLogEntry[] = [];
  /** Exits that the full log did not take. */
  dropped = 0;

  /** Let `handler` answer the `count` MSRs from `base` on. */
  register(base: number, count: number, handler: MsrHandler): void {
    for (let msr = base; msr < base + count; msr++) this.#handlers.set(msr, handler);
  }

  /** The exits since the last call, oldest first. */
  takeLog(): MsrLogEntry[] {
    const log = this.#log;
    this.#log = [];
    return log;
  }

  /** Answer an RDMSR: the value, or undefined for #GP. */
  read(vcpu: Vcpu, msr: number, reason: MsrReason): bigint | undefined {
    const handler = this.#handlers.get(msr);
    const value = handler?.read(vcpu, msr);
    this.#add(vcpu, msr, false, value ?? 0n, reason, value === undefined ? undefined : handler);
    return value;
  }

  /** Answer a WRMSR: false for #GP. */
  write(vcpu: Vcpu, msr: number, value: bigint, reason: MsrReason): boolean {
    const handler = this.#handlers.get(msr);
    const taken = handler?.write(vcpu, msr, value) ?? false;
    this.#add(vcpu, msr, true, value, reason, taken ? handler : undefined);
    return taken;
  }

  #add(vcpu: Vcpu, msr: number, write: boolean, value: bigint, reason: MsrReason, by?: MsrHandler): void {
    if (this.#log.length === LOG_LIMIT) this.dropped++;
    else this.#log.push({ vcpu: vcpu.id, msr, write, value, reason, action: by ? by.action : 'gp' });
  }
}

/**
 * Handler of filtered MTRR and PAT accesses: refuses what KVM would refuse and passes the rest on with
 * KVM_SET_MSRS and KVM_GET_MSRS. With `forward` off it keeps writes to itself: the guest reads back what it wrote,
 * KVM never hears of it.
 */
export class MemoryTypeMsrs implements MsrHandler {
  readonly #kept = new Map<string, bigint>();
  readonly #maxPhyAddr: number;
  /** Whether writes go on to KVM; may change at any time. */
  forward: boolean;

  /**
   * Keep nothing yet.
   * @param maxPhyAddr the guest's MAXPHYADDR, bits
   * @param forward whether KVM is told of what the guest writes
   */
  constructor(maxPhyAddr: number, forward = true) {
    this.#maxPhyAddr = maxPhyAddr;
    this.forward = forward;
  }

  get action(): MsrAction {
    return this.forward ? 'forwarded' : 'kept';
  }

  read(vcpu: Vcpu, msr: number): bigint | undefined {
    const kept = this.forward ? undefined : this.#kept.get(`${vcpu.id}:${msr}`);
    return kept ?? vcpu.getMsrs([msr])[0];
  }

  write(vcpu: Vcpu, msr: number, value: bigint): boolean {
    if (!validMemoryTypeWrite(msr, value, this.#maxPhyAddr)) return false;
    if (this.forward) return vcpu.setMsrs([{ index: msr, value }]) === 1;
    this.#kept.set(`${vcpu.id}:${msr}`, value);
    return true;
  }
}

/** Filter ranges that send every memory-type MSR to user space: a 0 in the bitmap denies (KVM_X86_SET_MSR_FILTER). */
export function memoryTypeFilter(): { flags: number; base: number; nmsrs: number; bitmap: Uint8Array }[] {
  const readAndWrite = 3;
  return MEMORY_TYPE_MSRS.map(({ base, count }) => ({
    flags: readAndWrite,
    base,
    nmsrs: count,
    bitmap: new Uint8Array(Math.ceil(count / 8)),
  }));
}
