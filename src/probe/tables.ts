import { PAGE_SIZE } from '../arch/units.js';
import { LAYOUT } from './layout.js';

/** Guest-physical bytes that each window maps, from gpa 0. */
export const WINDOW_SIZE = 1n << 32n;
/** Number of windows: one per PAT entry. */
export const WINDOWS = 8;

const WINDOW_SHIFT = 36n;
const PDS_PER_WINDOW = Number(WINDOW_SIZE >> 30n);
/** One PDPT slot is 1 GiB, so a window of 64 GiB of virtual space takes this many slots. */
const SLOTS_PER_WINDOW = Number(1n << (WINDOW_SHIFT - 30n));

const PRESENT_WRITABLE = 0x3;
const PWT = 1 << 3;
const PCD = 1 << 4;
const LARGE = 1 << 7;
/** The PAT bit of a 2 MiB leaf (SDM "Paging-Structure Entries"): bit 12, as bit 7 says "large". */
const PAT_LARGE = 1 << 12;

/** Pages that the tables take: PML4, PDPT and the page directories of all windows. */
export const TABLE_PAGES = 2 + WINDOWS * PDS_PER_WINDOW;

/** Guest-physical address of the PML4 (CR3): the tables follow the image. */
export const PML4_GPA = LAYOUT.PROBE_BASE + LAYOUT.PROBE_IMAGE_SIZE;

/** Bits of a 2 MiB leaf that select PAT entry `pat` (index = PAT*4 + PCD*2 + PWT). */
export function patBits(pat: number): number {
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

/**
 * Page tables of the probe guest, as they lie in guest RAM from `base`: one PML4 entry, one PDPT, four page
 * directories of 2 MiB leaves for each window.
 */
export function buildPageTables(base: number = PML4_GPA): Uint8Array {
  const tables = new Uint8Array(TABLE_PAGES * PAGE_SIZE);
  // Fill halves of entries: every physical address here is below 4 GiB and no upper bit is set.
  const words = new Uint32Array(tables.buffer);
  const pdpt = PAGE_SIZE / 4;
  words[0] = (base + PAGE_SIZE) | PRESENT_WRITABLE;
  for (let window = 0; window < WINDOWS; window++) {
    const leaf = PRESENT_WRITABLE | LARGE | patBits(window);
    for (let gib = 0; gib < PDS_PER_WINDOW; gib++) {
      const page = 2 + window * PDS_PER_WINDOW + gib;
      words[pdpt + (window * SLOTS_PER_WINDOW + gib) * 2] = (base + page * PAGE_SIZE) | PRESENT_WRITABLE;
      const pd = (page * PAGE_SIZE) / 4;
      for (let i = 0; i < 512; i++) words[pd + i * 2] = ((gib * 512 + i) << 21) | leaf;
    }
  }
  return tables;
}
