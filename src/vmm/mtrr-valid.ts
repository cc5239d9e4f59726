import { MSR, VARIABLE_COUNT } from '../arch/msrs.js';

/** Guest MSR numbers that the filter sends to user space: MTRRcap, the MTRRs and PAT (SDM "MTRR" sections). */
export const MEMORY_TYPE_MSRS: readonly { base: number; count: number }[] = [
  { base: MSR.MTRRCAP, count: 1 },
  { base: MSR.PHYSBASE0, count: 2 * VARIABLE_COUNT },
  { base: MSR.FIX64K_00000, count: 1 },
  { base: MSR.FIX16K_80000, count: 2 },
  { base: MSR.FIX4K_C0000, count: 8 },
  { base: MSR.PAT, count: 1 },
  { base: MSR.DEF_TYPE, count: 1 },
];

const MTRR_TYPES = new Set([0n, 1n, 4n, 5n, 6n]);
const PAT_TYPES = new Set([0n, 1n, 4n, 5n, 6n, 7n]);

function everyByte(value: bigint, types: ReadonlySet<bigint>): boolean {
  for (let shift = 0n; shift < 64n; shift += 8n) {
    if (!types.has((value >> shift) & 0xffn)) return false;
  }
  return true;
}

/**
 * Whether a write to an MTRR or to PAT is valid, by the rules KVM applies (kvm_mtrr_valid(), kvm_pat_valid()):
 * types 0, 1, 4, 5, 6 (PAT: also 7), no reserved bit, no address bit at or above `maxPhyAddr`.
 */
export function validMemoryTypeWrite(msr: number, value: bigint, maxPhyAddr: number): boolean {
  const type = MTRR_TYPES.has(value & 0xffn);
  const tooHigh = value >> BigInt(maxPhyAddr) !== 0n;
  if (msr === MSR.MTRRCAP) return false;
  if (msr === MSR.PAT) return everyByte(value, PAT_TYPES);
  if (msr === MSR.DEF_TYPE) return type && (value & ~0xcffn) === 0n;
  if (msr >= MSR.FIX64K_00000 && msr <= MSR.FIX4K_F8000) return everyByte(value, MTRR_TYPES);
  if (tooHigh) return false;
  return msr & 1 ? (value & 0x7ffn) === 0n : type && (value & 0xf00n) === 0n;
}
