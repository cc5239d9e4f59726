import type { Vcpu } from '../kvm/fd/vcpu.js';
import type { KvmRun } from '../kvm/layout/kvm-run.js';
import {
  KVM_EXIT_IO,
  KVM_EXIT_IO_IN,
  KVM_EXIT_MMIO,
  KVM_EXIT_X86_RDMSR,
  KVM_EXIT_X86_WRMSR,
  KVM_MSR_EXIT_REASON_FILTER,
  KVM_MSR_EXIT_REASON_INVAL,
  KVM_MSR_EXIT_REASON_UNKNOWN,
} from '../kvm/uapi.js';
import type { Bus } from './bus.js';
import type { ExitLog } from './exit-log.js';
import type { MsrExits, MsrReason } from './msr.js';

/** Answer a PIO exit: one access, or each of an INS or OUTS. */
export function doIo(run: KvmRun, bus: Bus, log: ExitLog): void {
  const port = run.ioPort;
  const size = run.ioSize;
  const count = run.ioCount;
  if (run.ioDirection === KVM_EXIT_IO_IN) {
    log.add(KVM_EXIT_IO, port, 0, 0, size);
    for (let i = 0; i < count; i++) run.setIoData(bus.read(port, size), i);
  } else {
    log.add(KVM_EXIT_IO, port, 0, 1, size);
    for (let i = 0; i < count; i++) bus.write(port, size, run.getIoData(i));
  }
}

/** Answer an MMIO exit, in pieces of at most 4 bytes, low addresses first. */
export function doMmio(run: KvmRun, bus: Bus, log: ExitLog): void {
  const address = run.mmioAddressNumber;
  const length = Math.min(run.mmioLength, 8);
  const data = run.mmioData;
  const write = run.mmioIsWrite;
  log.add(KVM_EXIT_MMIO, address >>> 0, Math.floor(address / 2 ** 32), write ? 1 : 0, length);
  for (let at = 0; at < length; ) {
    const left = length - at;
    const size = left >= 4 ? 4 : left >= 2 ? 2 : 1;
    if (write) bus.write(address + at, size, get(data, at, size));
    else put(data, at, size, bus.read(address + at, size));
    at += size;
  }
}

function get(data: Uint8Array, at: number, size: number): number {
  let value = 0;
  for (let i = size - 1; i >= 0; i--) value = value * 256 + (data[at + i] ?? 0);
  return value;
}

function put(data: Uint8Array, at: number, size: number, value: number): void {
  for (let i = 0; i < size; i++) data[at + i] = value >>> (8 * i);
}

const REASONS: ReadonlyMap<number, MsrReason> = new Map([
  [KVM_MSR_EXIT_REASON_INVAL, 'inval'],
  [KVM_MSR_EXIT_REASON_UNKNOWN, 'unknown'],
  [KVM_MSR_EXIT_REASON_FILTER, 'filter'],
]);

const reasonOf = (reason: number): MsrReason => REASONS.get(reason) ?? 'other';

/** Answer an RDMSR exit: a value, or #GP. */
export function doRdmsr(vcpu: Vcpu, msrs: MsrExits, log: ExitLog): void {
  const { run } = vcpu;
  const index = run.msrIndex;
  log.add(KVM_EXIT_X86_RDMSR, index, 0, 0, 8);
  const value = msrs.read(vcpu, index, reasonOf(run.msrReason));
  run.msrError = value === undefined;
  if (value !== undefined) run.msrData = value;
}

/** Answer a WRMSR exit: done, or #GP. */
export function doWrmsr(vcpu: Vcpu, msrs: MsrExits, log: ExitLog): void {
  const { run } = vcpu;
  const index = run.msrIndex;
  log.add(KVM_EXIT_X86_WRMSR, index, 0, 1, 8);
  run.msrError = !msrs.write(vcpu, index, run.msrData, reasonOf(run.msrReason));
}
