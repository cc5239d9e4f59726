import { describe, expect, test } from 'vitest';
import { PML4_GPA, probeTables, TABLE_PAGES, WINDOW_SIZE, windowAddress } from './tables.js';

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
