import { PAGE_SIZE } from './units.js';

const ENTRIES = 512;
const PRESENT_WRITABLE = 0x3;
const LARGE = 0x80;
/** Page directories, of 1 GiB each, for a window of 4 GiB. */
const DIRECTORIES = 4;
/** Bytes of a large page, as a power of 2. */
const LARGE_SHIFT = 21;

/** A part of the virtual addresses that leads to the first 4 GiB of physical ones. */
interface TableWindow {
  /** The GiB of virtual addresses that it begins at. */
  gib: number;
  /** Further bits of its leaves. */
  leafBits: number;
}

const IDENTITY: readonly TableWindow[] = [{ gib: 0, leafBits: 0 }];

/** Pages that the tables for some windows take: a PML4, a page-directory-pointer table, and four directories for each window. */
export const tablePages = (windows = 1): number => 2 + windows * DIRECTORIES;

/**
 * Tables of 4-level paging, as they lie in physical memory from `base`, with leaves of 2 MiB (SDM, "4-Level Paging"): the PML4 comes
 * first. All windows are in the first 512 GiB. Without any they map the first 4 GiB one to one.
 */
export function buildPageTables(base: number, windows: readonly TableWindow[] = IDENTITY): Uint8Array {
  const tables = new Uint8Array(tablePages(windows.length) * PAGE_SIZE);
  // Lower halves of entries: every physical address is below 4 GiB.
  const words = new Uint32Array(tables.buffer);
  const put = (page: number, index: number, value: number): void => {
    words[(page * ENTRIES + index) * 2] = value;
  };
  put(0, 0, (base + PAGE_SIZE) | PRESENT_WRITABLE);
  windows.forEach(({ gib, leafBits }, window) => {
    for (let i = 0; i < DIRECTORIES; i++) {
      const page = 2 + window * DIRECTORIES + i;
      put(1, gib + i, (base + page * PAGE_SIZE) | PRESENT_WRITABLE);
      for (let j = 0; j < ENTRIES; j++)
        put(page, j, ((i * ENTRIES + j) << LARGE_SHIFT) | PRESENT_WRITABLE | LARGE | leafBits);
    }
  });
  return tables;
}
