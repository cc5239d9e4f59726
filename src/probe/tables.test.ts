import { describe, expect, test } from 'vitest';
import { FAR_PAGES } from '../scenario/types.js';
import {
  FAR_DIRECTORY_GPA,
  FarPages,
  PML4_GPA,
  probeTables,
  TABLE_PAGES,
  WINDOW_SIZE,
  windowAddress,
} from './tables.js';

const tables = probeTables();
const view = new DataView(tables.buffer);

/** Walk the tables as the processor does (4-level paging, 2 MiB leaves). */
function walk(va: bigint): { gpa: bigint; pat: number; flags: number } {
  let table = BigInt(PML4_GPA);
  for (const shift of [39n, 30n, 21n]) {
    const index = (va >> shift) & 511n;
    const entry = view.getBigUint64(Number(table - BigInt(PML4_GPA) + index * 8n), true);
    if ((entry & 1n) === 0n) throw new Error(`not present at shift ${shift}`);
    if (shift === 21n) {
      const pat = Number(((entry >> 12n) & 1n) * 4n + ((entry >> 4n) & 1n) * 2n + ((entry >> 3n) & 1n));
      const base = entry & 0xf_ffff_ffe0_0000n;
      return { gpa: base | (va & 0x1f_ffffn), pat, flags: Number(entry & 0xffn & ~0x18n) };
    }
    table = entry & 0xf_ffff_ffff_f000n;
  }
  throw new Error('no leaf');
}

describe('page tables', () => {
  const gpas = [0n, 0xa0000n, 0x100_0000n, 0x1ff_ffff_fn & (WINDOW_SIZE - 1n), WINDOW_SIZE - 1n];

  test('every window maps its addresses through its own PAT index, present, writable, large', () => {
    for (let pat = 0; pat < 8; pat++) {
      for (const gpa of gpas) {
        expect(walk(windowAddress(gpa, pat))).toEqual({ gpa, pat, flags: 0x83 });
      }
    }
  });

  test('window 0 is the identity map', () => {
    expect(windowAddress(0x123_4567n, 0)).toBe(0x123_4567n);
  });

  test('nothing is mapped past a window', () => {
    expect(() => walk(windowAddress(0n, 3) + WINDOW_SIZE)).toThrow('not present');
  });

  test('the tables take the pages they say', () => {
    expect(tables.byteLength).toBe(TABLE_PAGES * 4096);
  });

  test('an address outside the windows or a PAT index out of range is refused', () => {
    expect(() => windowAddress(WINDOW_SIZE, 0)).toThrow(RangeError);
    expect(() => windowAddress(-1n, 0)).toThrow(RangeError);
    expect(() => windowAddress(0n, 8)).toThrow(RangeError);
    expect(() => windowAddress(0n, 1.5)).toThrow(RangeError);
  });
});

describe('large pages above the windows', () => {
  const TOP = (1n << 52n) - 0x1000n;

  test('each address is reached through its own PAT entry, what is in the same large page with it', () => {
    const addresses = [WINDOW_SIZE, WINDOW_SIZE + 0x1f_f000n, TOP].flatMap((gpa) => [
      { gpa, pat: 0 },
      { gpa, pat: 7 },
    ]);
    const far = new FarPages(addresses);
    tables.set(far.directory(), FAR_DIRECTORY_GPA - PML4_GPA);

    for (const { gpa, pat } of addresses)
      expect(walk(far.address(gpa, pat))).toEqual({ gpa, pat, flags: 0x83 });
    expect(far.address(0x5000n, 3)).toBe(windowAddress(0x5000n, 3));
    expect(() => far.address(WINDOW_SIZE, 1)).toThrow(RangeError);
    expect(() => far.address(WINDOW_SIZE * 2n, 0)).toThrow(RangeError);
  });

  test('there is room for as many as scenarios may have, and no more', () => {
    const some = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ gpa: WINDOW_SIZE + (BigInt(i) << 21n), pat: 1 }));

    expect(FarPages.LIMIT).toBe(FAR_PAGES);
    expect(() => new FarPages(some(FAR_PAGES))).not.toThrow();
    expect(() => new FarPages(some(FAR_PAGES + 1))).toThrow(RangeError);
    expect(() => new FarPages([{ gpa: WINDOW_SIZE, pat: 8 }])).toThrow(RangeError);
  });
});
