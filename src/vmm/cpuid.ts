import type { CpuidEntry } from '../kvm/layout/tables.js';

/** What a guest's CPUID is to say beyond what KVM supports. */
export interface GuestCpuid {
  /** MAXPHYADDR in bits, 36 to 52 (leaf 0x80000008); the host's unless told. */
  maxPhyAddr?: number;
  /** Whether leaf 1 shows MTRRs; as KVM supports it unless told. */
  mtrr?: boolean;
  /** Whether leaf 1 says that there is a hypervisor, so that a guest looks for KVM's leaves; as KVM supports it unless told. */
  hypervisor?: boolean;
}

const MTRR = 1 << 12;
const HYPERVISOR = 1 << 31;
/** MAXPHYADDR that KVM assumes without leaf 0x80000008 (cpuid_query_maxphyaddr()). */
const DEFAULT_MAXPHYADDR = 36;

/** The MAXPHYADDR that a CPUID table states, bits. */
export function maxPhyAddrOf(entries: readonly CpuidEntry[]): number {
  const leaf = entries.find((e) => e.function === 0x80000008);
  return leaf ? leaf.eax & 0xff : DEFAULT_MAXPHYADDR;
}

/** KVM's supported CPUID, as vCPU `apicId` is to see it. */
export function guestCpuid(
  supported: readonly CpuidEntry[],
  apicId: number,
  o: GuestCpuid = {},
): CpuidEntry[] {
  return supported.map((entry) => {
    switch (entry.function) {
      case 1:
        return {
          ...entry,
          ebx: ((entry.ebx & 0xffffff) | (apicId << 24)) >>> 0,
          ecx: o.hypervisor === undefined ? entry.ecx : withBit(entry.ecx, HYPERVISOR, o.hypervisor),
          edx: o.mtrr === undefined ? entry.edx : withBit(entry.edx, MTRR, o.mtrr),
        };
      case 0xb:
      case 0x1f:
        return { ...entry, edx: apicId };
      case 0x80000008:
        return o.maxPhyAddr === undefined
          ? entry
          : { ...entry, eax: ((entry.eax & ~0xff) | o.maxPhyAddr) >>> 0 };
      default:
        return entry;
    }
  });
}

function withBit(value: number, bit: number, on: boolean): number {
  return (on ? value | bit : value & ~bit) >>> 0;
}
