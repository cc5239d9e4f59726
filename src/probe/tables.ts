import { buildPageTables, tablePages } from '../arch/page-tables.js';
import { LAYOUT } from './layout.js';

/** Guest-physical bytes that each window maps, from gpa 0. */
export const WINDOW_SIZE = 1n << 32n;
/** Number of windows: one per PAT entry. */
const WINDOWS = 8;

const WINDOW_SHIFT = 36n;
/** A window takes 64 GiB of virtual addresses, though it maps only the first four of them. */
const GIB_PER_WINDOW = Number(1n << (WINDOW_SHIFT - 30n));

const PWT = 1 << 3;
const PCD = 1 << 4;
/** The PAT bit of a 2 MiB leaf (SDM "Paging-Structure Entries"): bit 12, as bit 7 says "large". */
const PAT_LARGE = 1 << 12;

/** Pages that the tables take. */
export const TABLE_PAGES = tablePages(WINDOWS);

/** Guest-physical address of the PML4 (CR3): the tables follow the image. */
export const PML4_GPA = LAYOUT.PROBE_BASE + LAYOUT.PROBE_IMAGE_SIZE;

/** Bits of a 2 MiB leaf that select PAT entry `pat` (index = PAT*4 + PCD*2 + PWT). */
function patBits(pat: number): number {
  return (pat & 4 ? PAT_LARGE : 0) | (pat & 2 ? PCD : 0) | (pat & 1 ? PWT : 0);
}

/**
 * Virtual address that reaches `gpa` with PAT entry `pat` (0..7). Window 0 is the identity map.
 * @throws RangeError if `gpa` is outside [0, WINDOW_SIZE) or `pat` is not 0..7
 */
export function windowAddress(gpa: bigint, pat: number): bigint {
  if (gpa < 0n || gpa >= WINDOW_SIZE) {
    throw new RangeError(`gpa 0x${gpa.toString(16)} is outside the probe's windows, [0, 4 GiB)`);
  }
  if (!Number.isInteger(pat) || pat < 0 || pat >= WINDOWS) {
    throw new RangeError(`pat is ${pat}, want a PAT index from 0 to 7`);
  }
  return (BigInt(pat) << WINDOW_SHIFT) | gpa;
}

/** Page tables of the probe guest, as they lie in guest RAM from PML4_GPA: a window for each PAT entry. */
export function probeTables(): Uint8Array {
  const windows = Array.from({ length: WINDOWS }, (_, pat) => ({
    gib: pat * GIB_PER_WINDOW,
    leafBits: patBits(pat),
  }));
  return buildPageTables(PML4_GPA, windows);
}
