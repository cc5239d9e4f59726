/** Encodings of memory types in MTRRs, PAT and EPT bits 5:3 (SDM, "Memory Types That Can Be Encoded With PAT"). */
export const MT = { UC: 0, WC: 1, WT: 4, WP: 5, WB: 6, 'UC-': 7 } as const;

/** A memory type that an entry of the PAT can hold. */
export type PatType = keyof typeof MT;

/** A memory type that an MTRR or an EPT leaf entry can hold. */
export type MemType = Exclude<PatType, 'UC-'>;

/** All PAT types, in the order of their encoding. */
export const PAT_TYPES = Object.keys(MT) as readonly PatType[];

/** All memory types of MTRRs and EPT, in the order of their encoding. */
export const MEM_TYPES = PAT_TYPES.filter((type): type is MemType => type !== 'UC-') as readonly MemType[];

const DECODED = Array.from({ length: 8 }, (_, encoding) => PAT_TYPES.find((type) => MT[type] === encoding));

/** The PAT type of an encoding; undefined for the reserved encodings 2, 3 and 8 upwards. */
export function decodePatType(encoding: number): PatType | undefined {
  return DECODED[encoding];
}

/** The MTRR or EPT type of an encoding; undefined for the reserved encodings 2, 3 and 7 upwards. */
export function decodeMemType(encoding: number): MemType | undefined {
  const type = DECODED[encoding];
  return type === 'UC-' ? undefined : type;
}

/** Name of an encoding, `type N` for a reserved one. */
export function memTypeName(encoding: number): string {
  return decodePatType(encoding) ?? `type ${encoding}`;
}

/** Eight bytes with the given encodings, the first in the lowest byte; a single one fills all. */
export function typeBytes(...types: readonly number[]): bigint {
  const bytes = types.length === 1 ? Array<number>(8).fill(types[0] as number) : types;
  return bytes.reduce((value, type, i) => value | (BigInt(type) << BigInt(8 * i)), 0n);
}

/** Byte `index` (0 to 7) of a 64-bit value: the encoding in a fixed-range MTRR or the PAT. */
export function byteOf(value: bigint, index: number): number {
  return Number((value >> BigInt(8 * index)) & 0xffn);
}
