/** A memory type that an MTRR or an EPT leaf entry can hold. */
export type MemType = 'UC' | 'WC' | 'WT' | 'WP' | 'WB';

/** A memory type that an entry of the PAT can hold. */
export type PatType = MemType | 'UC-';

/** The type of a leaf entry: `none` where the entry has no memory-type field (AMD nested paging). */
export type LeafType = MemType | 'none';

/** What the SDM says of an address: `undefined` where it leaves an overlap of MTRRs undefined. */
export type ArchType = MemType | 'undefined';

/** Size of a leaf: 1 is 4 KiB, 2 is 2 MiB, 3 is 1 GiB. */
export type Level = 1 | 2 | 3;

/** One link in the chain that led to an expectation: what holds, and who says so. */
export interface Rule {
  readonly text: string;
  /** SDM section title, or kernel function with its version range. */
  readonly source: string;
}

/** A half-open range of guest frame numbers (4 KiB units). */
export interface GfnRange {
  readonly start: number;
  readonly end: number;
}

export const PAGE_SHIFT = 12n;

/** First frame number above every guest-physical address (52 bits). */
export const GFN_LIMIT = 2 ** 40;

/** Every frame of a guest: what `kvm_zap_gfn_range(0, ~0)` covers. */
export const ALL_GFNS: GfnRange = { start: 0, end: GFN_LIMIT };

const ENCODED: readonly (PatType | undefined)[] = ['UC', 'WC', undefined, undefined, 'WT', 'WP', 'WB', 'UC-'];
const ENCODING = { UC: 0, WC: 1, WT: 4, WP: 5, WB: 6, 'UC-': 7 } as const;

/** All memory types, in the order of their encoding. */
export const MEM_TYPES: readonly MemType[] = ['UC', 'WC', 'WT', 'WP', 'WB'];

/** All PAT types, in the order of their encoding. */
export const PAT_TYPES: readonly PatType[] = ['UC', 'WC', 'WT', 'WP', 'WB', 'UC-'];

/** The encoding of a type in MTRRs, PAT and EPT bits 5:3 (SDM, "Memory Types That Can Be Encoded With PAT"). */
export function encodeType(type: PatType): number {
  return ENCODING[type];
}

/** The MTRR or EPT type of an encoding; undefined for the reserved encodings 2, 3 and 7 upwards. */
export function decodeMemType(encoding: number): MemType | undefined {
  const type = ENCODED[encoding];
  return type === 'UC-' ? undefined : type;
}

/** The PAT type of an encoding; undefined for the reserved encodings 2, 3 and 8 upwards. */
export function decodePatType(encoding: number): PatType | undefined {
  return ENCODED[encoding];
}

/** Pages of 4 KiB in a leaf of this level. */
export function pagesOf(level: Level): number {
  return 512 ** (level - 1);
}

/** First frame of the leaf of this level that covers `gfn`. */
export function levelBase(gfn: number, level: Level): number {
  return gfn - (gfn % pagesOf(level));
}

/** The frame number of a guest-physical address of at most 52 bits. */
export function gfnOf(gpa: bigint): number {
  return Number(gpa >> PAGE_SHIFT);
}
