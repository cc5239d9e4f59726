import { GUEST_MAXPHYADDR } from './types.js';

/** Memory type encodings of MTRRs, PAT and EPT (SDM, "Memory Types That Can Be Encoded With PAT"). */
export const MT = { UC: 0, WC: 1, WT: 4, WP: 5, WB: 6, UC_MINUS: 7 } as const;

/** Name of a memory type encoding, `type N` for a reserved one. */
export function memTypeName(type: number): string {
  const found = Object.entries(MT).find(([, value]) => value === type);
  return found === undefined ? `type ${type}` : found[0].replace('_MINUS', '-');
}

export const MSR = {
  MTRRCAP: 0xfe,
  PHYSBASE0: 0x200,
  PHYSMASK0: 0x201,
  FIX64K_00000: 0x250,
  FIX16K_80000: 0x258,
  FIX16K_A0000: 0x259,
  FIX4K_C0000: 0x268,
  FIX4K_F8000: 0x26f,
  PAT: 0x277,
  DEF_TYPE: 0x2ff,
} as const;

/** Name of an MTRR or PAT MSR, hexadecimal for any other. */
export function msrName(msr: number): string {
  if (msr >= 0x200 && msr < 0x210) return `MTRR_PHYS${msr & 1 ? 'MASK' : 'BASE'}${(msr - 0x200) >> 1}`;
  const found = Object.entries(MSR).find(([, value]) => value === msr);
  return found === undefined ? `MSR 0x${msr.toString(16)}` : `MTRR_${found[0]}`.replace('MTRR_PAT', 'PAT');
}

/** PAT after reset: WB WT UC- UC, twice (SDM, "Programming the PAT"). */
export const PAT_RESET = 0x0007_0406_0007_0406n;

/** IA32_MTRR_DEF_TYPE: type in bits 7:0, FE in bit 10, E in bit 11. */
export function defType(type: number, o: { e?: boolean; fe?: boolean } = {}): bigint {
  return BigInt(type) | (o.fe ? 1n << 10n : 0n) | ((o.e ?? true) ? 1n << 11n : 0n);
}

/** IA32_MTRR_PHYSMASKn for a power-of-two size in bytes, valid bit set. */
export function physMask(size: bigint, maxphyaddr = GUEST_MAXPHYADDR): bigint {
  return (((1n << BigInt(maxphyaddr)) - 1n) & ~(size - 1n)) | (1n << 11n);
}

/** Eight bytes with the given memory types, first type in the lowest byte; a single type fills all. */
export function typeBytes(...types: number[]): bigint {
  const bytes = types.length === 1 ? Array<number>(8).fill(types[0] as number) : types;
  return bytes.reduce((value, type, i) => value | (BigInt(type) << BigInt(8 * i)), 0n);
}
