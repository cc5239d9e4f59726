import {
  CPUID_ADDRESS_SIZES,
  CPUID_CACHES,
  CPUID_MTRR,
  CPUID_PAT,
  CPUID_SELF_SNOOP,
} from '../../arch/cpuid.js';
import { CPUID_VMX } from '../../arch/vmx.js';
import type { ExpectedAnswer } from './expected.js';
import { shareOf, type VersionSpan } from './span.js';

/** What the kernel itself found its processor to be, whatever KVM tells guests. */
export interface HostCpu {
  /** It has MTRRs (`mtrr` of /proc/cpuinfo). */
  readonly mtrr: boolean;
  /** It has the PAT (`pat`). */
  readonly pat: boolean;
  /** MAXPHYADDR in bits; not told where memory encryption takes some of them. */
  readonly physBits?: number | undefined;
}

/** A kernel and its processor, as far as the CPUID that it gives guests depends on them. */
export interface CpuidKernel {
  readonly paging: 'ept' | 'npt' | 'shadow';
  readonly selfSnoop: boolean;
  /** VMX is given to guests (kvm_intel.nested); undefined if nobody knows. */
  readonly nested: boolean | undefined;
  /** Undefined in recordings of older agents. */
  readonly cpu: HostCpu | undefined;
}

/** Addresses that four levels of EPT map. */
const FOUR_LEVELS = 48;

const bit = (is: boolean | undefined, mask: number): number => (is ? mask : 0);

/** Leaf 1: bits of EDX, and VMX of ECX, which is none of these. */
function features({ cpu, selfSnoop, nested }: CpuidKernel): ExpectedAnswer {
  const unsure = bit(cpu === undefined, CPUID_CACHES) | bit(nested === undefined, CPUID_VMX);
  const caches = bit(cpu?.mtrr, CPUID_MTRR) | bit(cpu?.pat, CPUID_PAT) | bit(selfSnoop, CPUID_SELF_SNOOP);
  return {
    value: BigInt((caches | bit(nested, CPUID_VMX)) & ~unsure),
    unsure: BigInt(unsure),
    source: 'kvm_set_cpu_caps(), kvm_initialize_cpu_caps(): what boot_cpu_data has; vmx_set_cpu_caps()',
  };
}

/** GuestPhysAddrSize was read in no kernel between these: up to 6.1 it is 0, from 6.12 on it is filled in. */
const UNREAD = { first: [6, 2], last: [6, 11] } as const;
const FILLED_IN = { first: [6, 12, 0, 0] } as const;

function addressSizes({ cpu, paging }: CpuidKernel, span: VersionSpan): ExpectedAnswer {
  const source = '__do_cpuid_func(), case 0x80000008';
  const bits = cpu?.physBits;
  // With shadow paging it is that of the host; up to 5.12 AMD's own GuestPhysAddrSize, if it has one, is told as MAXPHYADDR.
  const isKnown = paging === 'ept' || (paging === 'npt' && shareOf(span, { first: [6, 1] }) === 'all');
  if (bits === undefined || !isKnown) return { value: 0n, unsure: BigInt(CPUID_ADDRESS_SIZES), source };
  const isFilled = shareOf(span, FILLED_IN);
  // A fifth level, which lets it be more than 48, nothing tells of.
  const isUnsure = isFilled === 'some' || shareOf(span, UNREAD) !== 'none' || bits > FOUR_LEVELS;
  const guestBits = isUnsure || isFilled === 'none' ? 0 : bits;
  return { value: BigInt(bits | (guestBits << 16)), unsure: isUnsure ? 0xff_0000n : 0n, source };
}

/** What KVM_GET_SUPPORTED_CPUID must say in a leaf; undefined for one that the model does not know. */
export function supportedCpuid(
  leaf: number,
  kernel: CpuidKernel,
  span: VersionSpan,
): ExpectedAnswer | undefined {
  if (leaf === 1) return features(kernel);
  return leaf === 0x8000_0008 ? addressSizes(kernel, span) : undefined;
}
