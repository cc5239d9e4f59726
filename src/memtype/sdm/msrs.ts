import { byteOf, decodeMemType, decodePatType } from '../../arch/memory-types.js';
import { FIXED_MSRS, MSR, VARIABLE_COUNT } from '../../arch/msrs.js';

/** WC, fixed ranges, eight variable ranges, no SMRR. */
export const MTRRCAP_VALUE = 0x508n;

const ALL_BITS = (1n << 64n) - 1n;

/** What an MSR number stands for; `index` counts within its kind. */
export interface MtrrMsr {
  readonly kind: 'cap' | 'base' | 'mask' | 'fixed' | 'deftype' | 'pat';
  readonly index: number;
}

/** Recognise an MTRR or PAT MSR; undefined for any other number. */
export function classifyMsr(msr: number): MtrrMsr | undefined {
  const pair = msr - MSR.PHYSBASE0;
  if (pair >= 0 && pair < 2 * VARIABLE_COUNT) {
    return { kind: pair % 2 === 0 ? 'base' : 'mask', index: pair >> 1 };
  }
  const fixed = FIXED_MSRS.indexOf(msr);
  if (fixed >= 0) return { kind: 'fixed', index: fixed };
  if (msr === MSR.DEF_TYPE) return { kind: 'deftype', index: 0 };
  if (msr === MSR.PAT) return { kind: 'pat', index: 0 };
  if (msr === MSR.MTRRCAP) return { kind: 'cap', index: 0 };
  return undefined;
}

/** Just outside the block of numbers that holds the MTRRs, and around MTRRcap. */
const NEIGHBOURS: readonly number[] = [MSR.MTRRCAP - 1, MSR.MTRRCAP + 1, MSR.PHYSBASE0 - 1, MSR.DEF_TYPE + 1];

/** Whether a number stands for nothing, but lies among the MTRRs: 0x280 to 0x29f are the machine check's. */
export function isNearMtrrs(msr: number): boolean {
  if (classifyMsr(msr) !== undefined) return false;
  if (msr >= 0x280 && msr <= 0x29f) return false;
  return msr >> 8 === MSR.PHYSBASE0 >> 8 || NEIGHBOURS.includes(msr);
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
