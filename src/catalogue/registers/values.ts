import { MT } from '../../arch/memory-types.js';
import { FIXED_MSRS, MSR, VARIABLE_COUNT } from '../../arch/msrs.js';
import { GUEST_MAXPHYADDR, type MsrOp } from '../../scenario/types.js';

/** Types of an MTRR, and of the PAT. */
export const MTRR_TYPES = [MT.UC, MT.WC, MT.WT, MT.WP, MT.WB] as const;
const PAT_TYPES = [...MTRR_TYPES, MT['UC-']] as const;

/** The base and the mask of each variable range. */
export const BASES = Array.from({ length: VARIABLE_COUNT }, (_, n) => MSR.PHYSBASE0 + 2 * n);
export const MASKS = BASES.map((base) => base + 1);

/** Every MTRR that can be written, and the PAT. */
export const WRITABLE: readonly number[] = [
  ...BASES.flatMap((base) => [base, base + 1]),
  ...FIXED_MSRS,
  MSR.DEF_TYPE,
  MSR.PAT,
];

/** `from` to `to`, both of them included. */
export const span = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** Bits that an address of the guest may have, from a page's size on. */
export const ADDRESS_BITS = span(12, GUEST_MAXPHYADDR - 1);

export const bit = (n: number): bigint => 1n << BigInt(n);

/** Eight bytes: `value` in byte `at`, WB in all others. */
export const byteAmongWb = (at: number, value: number): bigint =>
  (0x0606_0606_0606_0606n & ~(0xffn << BigInt(8 * at))) | (BigInt(value) << BigInt(8 * at));

/** `n` written with types for digits, in as many bytes as there are: another value for each n. */
function spelt(n: number, types: readonly number[], bytes: number): bigint {
  let [value, rest] = [0n, n];
  for (let at = 0; at < bytes; at++) {
    value |= BigInt(types[rest % types.length] as number) << BigInt(8 * at);
    rest = Math.floor(rest / types.length);
  }
  return value;
}

/** A legal value of an MSR for each `n` from 1 to 800; the MTRRs stay off. */
export function distinct(msr: number, n: number): bigint {
  if (msr === MSR.DEF_TYPE) return spelt(n, MTRR_TYPES, 1) | (n % 2 === 0 ? bit(10) : 0n);
  if (msr === MSR.PAT) return spelt(n * 777_701, PAT_TYPES, 8);
  if (FIXED_MSRS.includes(msr)) return spelt(n * 77_777, MTRR_TYPES, 8);
  const address = BigInt(n * 20_011) << 12n;
  return MASKS.includes(msr) ? address | bit(11) : address | spelt(n, MTRR_TYPES, 1);
}

/** Reads of MSRs. */
export const reads = (msrs: readonly number[]): MsrOp[] => msrs.map((msr) => ({ msr }));
