import { decodeMemType, decodePatType } from '../types.js';

/** Variable MTRR pairs that KVM gives a guest (KVM_NR_VAR_MTRR). */
export const VARIABLE_COUNT = 8;

export const MSR_MTRRCAP = 0xfe;
export const MSR_PHYSBASE0 = 0x200;
export const MSR_FIX64K = 0x250;
export const MSR_FIX16K = 0x258;
export const MSR_FIX4K = 0x268;
export const MSR_PAT = 0x277;
export const MSR_DEFTYPE = 0x2ff;

/** WC, fixed ranges, eight variable ranges, no SMRR. */
export const MTRRCAP_VALUE = 0x508n;

/** The PAT after reset: WB WT UC- UC, twice (SDM, "Memory Type Setting of PAT Entries Following a Power-up or Reset"). */
export const PAT_RESET = 0x0007040600070406n;

export const DEFTYPE_E = 1n << 11n;
export const DEFTYPE_FE = 1n << 10n;
export const MASK_VALID = 1n << 11n;

const ALL_BITS = (1n << 64n) - 1n;

/** What an MSR number stands for; `index` counts within its kind. */
export interface MtrrMsr {
  readonly kind: 'cap' | 'base' | 'mask' | 'fixed' | 'deftype' | 'pat';
  readonly index: number;
}

/** The eleven fixed-range MSRs, in the order of the addresses that they cover. */
export const FIXED_MSRS: readonly number[] = [
  MSR_FIX64K,
  MSR_FIX16K,
  MSR_FIX16K + 1,
  ...Array.from({ length: 8 }, (_, i) => MSR_FIX4K + i),
];

/** Recognise an MTRR or PAT MSR; undefined for any other number. */
export function classifyMsr(msr: number): MtrrMsr | undefined {
  const pair = msr - MSR_PHYSBASE0;
  if (pair >= 0 && pair < 2 * VARIABLE_COUNT) {
    return { kind: pair % 2 === 0 ? 'base' : 'mask', index: pair >> 1 };
  }
  const fixed = FIXED_MSRS.indexOf(msr);
  if (fixed >= 0) return { kind: 'fixed', index: fixed };
  if (msr === MSR_DEFTYPE) return { kind: 'deftype', index: 0 };
  if (msr === MSR_PAT) return { kind: 'pat', index: 0 };
  if (msr === MSR_MTRRCAP) return { kind: 'cap', index: 0 };
  return undefined;
}

/** Byte `index` (0 to 7) of a 64-bit MSR value. */
export function byteOf(value: bigint, index: number): number {
  return Number((value >> BigInt(8 * index)) & 0xffn);
}

/** The address bits, and those above them, that a guest with this MAXPHYADDR must leave zero. */
export function reservedAddressBits(maxphyaddr: number): bigint {
  return ALL_BITS & ~((1n << BigInt(maxphyaddr)) - 1n);
}

/** What a value must be like, for each kind of MSR that can be written. */
interface ValueRules {
  /** Bits that must be zero whatever MAXPHYADDR is. */
  readonly reserved: bigint;
  /** Whether the bits from MAXPHYADDR up must be zero too. */
  readonly hasAddress: boolean;
  /** So many bytes, from the lowest, each hold a type. */
  readonly types: number;
  readonly decode: (encoding: number) => string | undefined;
}

/**
 * The rules of the SDM ("IA32_MTRR_DEF_TYPE MSR", "Fixed Range MTRRs", "Variable Range MTRRs", "IA32_PAT MSR"),
 * which `kvm_mtrr_valid()` and `kvm_pat_valid()` apply unchanged from 5.10 to 7.3. Neither asks for an aligned
 * base nor for a contiguous mask.
 */
export const VALUE_RULES: Readonly<Record<Exclude<MtrrMsr['kind'], 'cap'>, ValueRules>> = {
  deftype: { reserved: ALL_BITS & ~0xcffn, hasAddress: false, types: 1, decode: decodeMemType },
  fixed: { reserved: 0n, hasAddress: false, types: 8, decode: decodeMemType },
  pat: { reserved: 0n, hasAddress: false, types: 8, decode: decodePatType },
  base: { reserved: 0xf00n, hasAddress: true, types: 1, decode: decodeMemType },
  mask: { reserved: 0x7ffn, hasAddress: true, types: 0, decode: decodeMemType },
};

/** Whether a write of this value is legal, else it faults with #GP(0); `faultOf()` says why. */
export function isValidMsrValue(msr: MtrrMsr, value: bigint, maxphyaddr: number): boolean {
  if (msr.kind === 'cap') return false;
  const { reserved, hasAddress, types, decode } = VALUE_RULES[msr.kind];
  if ((value & reserved) !== 0n) return false;
  if (hasAddress && value >> BigInt(maxphyaddr) !== 0n) return false;
  for (let i = 0; i < types; i++) if (decode(byteOf(value, i)) === undefined) return false;
  return true;
}
