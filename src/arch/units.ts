export const MIB = 2 ** 20;
export const GIB = 2 ** 30;

/** Bytes of a page, the unit of frames. */
export const PAGE_SIZE = 4096;
export const PAGE_SHIFT = 12n;

/** Bits of a guest-physical address that lie within its page. */
export const PAGE_OFFSET = 0xfffn;

/** First frame number above every guest-physical address (52 bits). */
export const GFN_LIMIT = 2 ** 40;

/** First frame number above 4 GiB. */
export const GIB4_FRAMES = 2 ** 20;

/** Size of a leaf: 1 is 4 KiB, 2 is 2 MiB, 3 is 1 GiB. */
export type Level = 1 | 2 | 3;

/** A half-open range of guest frame numbers (4 KiB units). */
export interface GfnRange {
  readonly start: number;
  readonly end: number;
}

/** Every frame of a guest: what `kvm_zap_gfn_range(0, ~0)` covers. */
export const ALL_GFNS: GfnRange = { start: 0, end: GFN_LIMIT };

/** The frame number of a guest-physical address of at most 52 bits. */
export function gfnOf(gpa: bigint): number {
  return Number(gpa >> PAGE_SHIFT);
}

/** The guest-physical address at which a frame starts. */
export function gpaOf(gfn: number): bigint {
  return BigInt(gfn) << PAGE_SHIFT;
}

/** Pages of 4 KiB in a leaf of this level. */
export function pagesOf(level: number): number {
  return 512 ** (level - 1);
}

/** First frame of the leaf of this level that covers `gfn`. */
export function levelBase(gfn: number, level: number): number {
  return gfn - (gfn % pagesOf(level));
}

/** The largest leaf, of `most` at most, that covers a frame and lies within a range that has it. */
export function levelWithin({ start, end }: GfnRange, gfn: number, most: Level = 3): Level {
  for (const level of [3, 2] as const) {
    const base = levelBase(gfn, level);
    if (level <= most && base >= start && base + pagesOf(level) <= end) return level;
  }
  return 1;
}
