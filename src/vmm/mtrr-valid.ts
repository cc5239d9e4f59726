/** Guest MSR numbers that the filter sends to user space: MTRRcap, the MTRRs and PAT (SDM "MTRR" sections). */
export const MEMORY_TYPE_MSRS: readonly { base: number; count: number }[] = [
  { base: 0xfe, count: 1 },
  { base: 0x200, count: 16 },
  { base: 0x250, count: 1 },
  { base: 0x258, count: 2 },
  { base: 0x268, count: 8 },
  { base: 0x277, count: 1 },
  { base: 0x2ff, count: 1 },
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
  if (msr === 0xfe) return false;
  if (msr === 0x277) return everyByte(value, PAT_TYPES);
  if (msr === 0x2ff) return type && (value & ~0xcffn) === 0n;
  if (msr >= 0x250 && msr <= 0x26f) return everyByte(value, MTRR_TYPES);
  if (tooHigh) return false;
  return msr & 1 ? (value & 0x7ffn) === 0n : type && (value & 0xf00n) === 0n;
}
