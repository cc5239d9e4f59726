import { expect, test } from 'vitest';
import { ALL_GFNS, gfnOf, gpaOf, levelBase, levelWithin, pagesOf } from './units.js';

test('frames are counted', () => {
  expect([1, 2, 3].map(pagesOf)).toEqual([1, 512, 262144]);
  expect([1, 2, 3].map((level) => levelBase(0x7ffff, level))).toEqual([0x7ffff, 0x7fe00, 0x40000]);
  expect([0n, 0xfffn, 0x1000n, 0xf_ffff_ffff_ffffn].map(gfnOf)).toEqual([0, 0, 1, 2 ** 40 - 1]);
  expect([0, 1, 2 ** 40 - 1].map(gpaOf)).toEqual([0n, 0x1000n, 0xf_ffff_ffff_f000n]);
  expect(ALL_GFNS).toEqual({ start: 0, end: 2 ** 40 });
});

test('a leaf lies within its range', () => {
  const range = { start: 0x300, end: 0x80000 };
  expect([0x300, 0x3ff, 0x400, 0x3ffff, 0x40000].map((gfn) => levelWithin(range, gfn))).toEqual([
    ...[1, 1, 2, 2, 3],
  ]);
  expect([1, 2, 3].map((most) => levelWithin(range, 0x40000, most as 1 | 2 | 3))).toEqual([1, 2, 3]);
});
