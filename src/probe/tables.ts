import { buildPageTables, tablePages } from '../arch/page-tables.js';
import { PAGE_SIZE } from '../arch/units.js';
import { LAYOUT } from './layout.js';

/** Guest-physical bytes that each window maps, from gpa 0. */
export const WINDOW_SIZE = 1n << 32n;

/** Number of windows: one per PAT entry. */
const WINDOWS = 8;
const WINDOW_SHIFT = 36n;
/** A window takes 64 GiB of virtual addresses, though it maps only the first four of them. */
const GIB_PER_WINDOW = Number(1n << (WINDOW_SHIFT - 30n));

const PRESENT_WRITABLE = 0x3;
const PWT = 1 << 3;
const PCD = 1 << 4;
const LARGE = 1 << 7;
/** The PAT bit of a 2 MiB leaf (SDM "Paging-Structure Entries"): bit 12, as bit 7 says "large". */
const PAT_LARGE = 1 << 12;

/** Bytes of a large page, as a power of 2. */
const LARGE_SHIFT = 21n;
const LARGE_OFFSET = (1n << LARGE_SHIFT) - 1n;
const ENTRY_SIZE = 8;

/** Pages of the windows' tables; one directory more, for what is above them, follows. */
const WINDOW_TABLES = tablePages(WINDOWS);
/** Pages that the tables take. */
export const TABLE_PAGES = WINDOW_TABLES + 1;
/** Guest-physical address of the PML4 (CR3): the tables follow the image. */
export const PML4_GPA = LAYOUT.PROBE_BASE + LAYOUT.PROBE_IMAGE_SIZE;
/** Guest-physical address of the directory of large pages above the windows. */
export const FAR_DIRECTORY_GPA = PML4_GPA + WINDOW_TABLES * PAGE_SIZE;
/** Where its pages appear: behind the 4 GiB of window 0. */
const FAR_VIRTUAL = WINDOW_SIZE;
const FAR_GIB = Number(FAR_VIRTUAL >> 30n);

/** Bits of a 2 MiB leaf that select PAT entry `pat` (index = PAT*4 + PCD*2 + PWT). */
function patBits(pat: number): number {
  return (pat & 4 ? PAT_LARGE : 0) | (pat & 2 ? PCD : 0) | (pat & 1 ? PWT : 0);
}

function checkPat(pat: number): void {
  if (!Number.isInteger(pat) || pat < 0 || pat >= WINDOWS)
    throw new RangeError(`pat is ${pat}, want a PAT index from 0 to 7`);
}

/**
 * Virtual address that reaches `gpa` with PAT entry `pat` (0..7). Window 0 is the identity map.
 * @throws RangeError if `gpa` is outside [0, WINDOW_SIZE) or `pat` is not 0..7
 */
export function windowAddress(gpa: bigint, pat: number): bigint {
  if (gpa < 0n || gpa >= WINDOW_SIZE) {
    throw new RangeError(`gpa 0x${gpa.toString(16)} is outside the probe's windows, [0, 4 GiB)`);
  }
  checkPat(pat);
  return (BigInt(pat) << WINDOW_SHIFT) | gpa;
}

/** Page tables of the probe guest, as they lie in guest RAM from PML4_GPA: a window for each PAT entry, and an empty directory. */
export function probeTables(): Uint8Array {
  const windows = Array.from({ length: WINDOWS }, (_, pat) => ({
    gib: pat * GIB_PER_WINDOW,
    leafBits: patBits(pat),
  }));
  const tables = new Uint8Array(TABLE_PAGES * PAGE_SIZE);
  tables.set(buildPageTables(PML4_GPA, windows));
  // The page-directory-pointer table is the second page.
  const pointer = PAGE_SIZE + FAR_GIB * ENTRY_SIZE;
  new DataView(tables.buffer).setBigUint64(pointer, BigInt(FAR_DIRECTORY_GPA | PRESENT_WRITABLE), true);
  return tables;
}

/** A guest-physical address of up to 52 bits, and the PAT entry that it is reached through. */
export interface FarAddress {
  readonly gpa: bigint;
  readonly pat: number;
}

/** Which large page an address lies in, with which PAT entry: addresses of equal keys share an entry of the directory. */
const farKey = ({ gpa, pat }: FarAddress): bigint => (gpa >> LARGE_SHIFT) * BigInt(WINDOWS) + BigInt(pat);

/** The large pages above the windows that a guest is to reach: each takes an entry of one directory. */
export class FarPages {
  /** How many there can be. */
  static readonly LIMIT = PAGE_SIZE / ENTRY_SIZE;

  readonly #entries = new Map<bigint, number>();

  /** @throws RangeError for more of them than LIMIT, or a PAT index that is none */
  constructor(addresses: readonly FarAddress[] = []) {
    for (const address of addresses) {
      checkPat(address.pat);
      const key = farKey(address);
      if (!this.#entries.has(key)) this.#entries.set(key, this.#entries.size);
    }
    if (this.#entries.size > FarPages.LIMIT)
      throw new RangeError(`${this.#entries.size} large pages above 4 GiB, want at most ${FarPages.LIMIT}`);
  }

  /** The directory, as it lies in guest RAM from FAR_DIRECTORY_GPA. */
  directory(): Uint8Array {
    const page = new Uint8Array(PAGE_SIZE);
    const view = new DataView(page.buffer);
    for (const [key, index] of this.#entries) {
      const base = (key / BigInt(WINDOWS)) << LARGE_SHIFT;
      const bits = patBits(Number(key % BigInt(WINDOWS))) | PRESENT_WRITABLE | LARGE;
      view.setBigUint64(index * ENTRY_SIZE, base | BigInt(bits), true);
    }
    return page;
  }

  /**
   * Virtual address that reaches `gpa` with PAT entry `pat`, in a window or behind them.
   * @throws RangeError if it is above the windows and not one of these pages
   */
  address(gpa: bigint, pat: number): bigint {
    if (gpa < WINDOW_SIZE) return windowAddress(gpa, pat);
    const index = this.#entries.get(farKey({ gpa, pat }));
    if (index === undefined)
      throw new RangeError(
        `gpa 0x${gpa.toString(16)} with PAT entry ${pat} is not one that the probe was booted for`,
      );
    return FAR_VIRTUAL + (BigInt(index) << LARGE_SHIFT) + (gpa & LARGE_OFFSET);
  }
}
