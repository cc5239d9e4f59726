import { describe, expect, it } from 'vitest';
import { PAT_RESET } from './msrs.js';
import { patBits, patIndex, patType } from './pat.js';

describe('PAT', () => {
  it('holds WB WT UC- UC twice after reset', () => {
    const types = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => patType(PAT_RESET, i));
    expect(types).toEqual(['WB', 'WT', 'UC-', 'UC', 'WB', 'WT', 'UC-', 'UC']);
  });

  it('decodes every type in every entry', () => {
    const types = [0, 1, 2, 3, 4, 5, 6, 7].map((i) => patType(0x0607_0504_0100_0706n, i));
    expect(types).toEqual(['WB', 'UC-', 'UC', 'WC', 'WT', 'WP', 'UC-', 'WB']);
  });

  it('is WB while paging is off', () => {
    expect(patType(0n, undefined)).toBe('WB');
  });

  it.each([2n, 3n, 8n, 255n])('refuses the reserved encoding %s', (encoding) => {
    expect(() => patType(encoding << 16n, 2)).toThrow(
      new RangeError(`PAT entry 2 of 0x${(encoding << 16n).toString(16)} is reserved`),
    );
  });

  it.each([
    [false, false, false, 0],
    [false, false, true, 1],
    [false, true, false, 2],
    [false, true, true, 3],
    [true, false, false, 4],
    [true, false, true, 5],
    [true, true, false, 6],
    [true, true, true, 7],
  ])('selects by PAT=%s PCD=%s PWT=%s entry %i', (pat, pcd, pwt, index) => {
    expect(patIndex({ pat, pcd, pwt })).toBe(index);
  });

  it.each([
    ['4K', 0x80n],
    ['2M', 0x1000n],
    ['1G', 0x1000n],
  ] as const)('finds the PAT flag of a %s entry', (kind, flag) => {
    expect(patBits(flag, kind)).toEqual({ pat: true, pcd: false, pwt: false });
    expect(patBits(0x1080n & ~flag, kind)).toEqual({ pat: false, pcd: false, pwt: false });
  });

  it('finds no PAT flag in an entry that references a table, but PCD and PWT', () => {
    expect(patBits(0x1090n, 'table')).toEqual({ pat: false, pcd: true, pwt: false });
    expect(patBits(0x1088n, 'table')).toEqual({ pat: false, pcd: false, pwt: true });
  });
});
