import { type Fields, struct, viewOf } from './bytes.js';

/** One CPUID leaf (struct kvm_cpuid_entry2). */
export interface CpuidEntry {
  function: number;
  index: number;
  flags: number;
  eax: number;
  ebx: number;
  ecx: number;
  edx: number;
}

/** An MSR with its value. */
export interface MsrEntry {
  index: number;
  value: bigint;
}

const CPUID_FIELDS = ['function', 'index', 'flags', 'eax', 'ebx', 'ecx', 'edx'] as const;
const CPUID_ENTRY = 40;
const MSR_ENTRY = 16;
const HEADER = 8;

/** @internal A struct kvm_cpuid2 with room for `count` entries. */
export function emptyCpuid(count: number): Uint8Array {
  return cpuid(count, () => {});
}

function cpuid(count: number, fill: (put: Fields) => void): Uint8Array {
  return struct(HEADER + count * CPUID_ENTRY, (put) => {
    put.u32(0, count, 'count');
    fill(put);
  });
}

/** @internal */
export function decodeCpuid(bytes: Uint8Array): CpuidEntry[] {
  const view = viewOf(bytes);
  return Array.from({ length: view.getUint32(0, true) }, (_, i) => {
    const entry = {} as CpuidEntry;
    CPUID_FIELDS.forEach((name, f) => {
      entry[name] = view.getUint32(HEADER + i * CPUID_ENTRY + 4 * f, true);
    });
    return entry;
  });
}

/** @internal */
export function encodeCpuid(entries: readonly CpuidEntry[]): Uint8Array {
  return cpuid(entries.length, (put) => {
    entries.forEach((entry, i) => {
      CPUID_FIELDS.forEach((name, f) => {
        put.u32(HEADER + i * CPUID_ENTRY + 4 * f, entry[name], name);
      });
    });
  });
}

/** @internal A struct kvm_msrs. */
export function encodeMsrs(entries: readonly { index: number; value?: bigint }[]): Uint8Array {
  return struct(HEADER + entries.length * MSR_ENTRY, (put) => {
    put.u32(0, entries.length, 'count');
    entries.forEach((entry, i) => {
      put.u32(HEADER + i * MSR_ENTRY, entry.index, 'index');
      put.u64(HEADER + i * MSR_ENTRY + 8, entry.value ?? 0n, 'value');
    });
  });
}

/** @internal The values of the first `count` entries of a struct kvm_msrs. */
export function decodeMsrValues(bytes: Uint8Array, count: number): bigint[] {
  const view = viewOf(bytes);
  return Array.from({ length: count }, (_, i) => view.getBigUint64(HEADER + i * MSR_ENTRY + 8, true));
}

/** @internal A struct kvm_msr_list with room for `count` indices. */
export function emptyMsrList(count: number): Uint8Array {
  return struct(4 + 4 * count, (put) => put.u32(0, count, 'count'));
}

/** @internal */
export function decodeMsrList(bytes: Uint8Array): number[] {
  const view = viewOf(bytes);
  return Array.from({ length: view.getUint32(0, true) }, (_, i) => view.getUint32(4 + 4 * i, true));
}
