import { expect, it } from 'vitest';
import {
  ALL_GFNS,
  decodeMemType,
  decodePatType,
  encodeType,
  gfnOf,
  levelBase,
  MEM_TYPES,
  PAT_TYPES,
  pagesOf,
} from './types.js';

it('encodes types as MTRRs, PAT and EPT do', () => {
  expect(PAT_TYPES.map(encodeType)).toEqual([0, 1, 4, 5, 6, 7]);
  expect(MEM_TYPES.map((type) => decodeMemType(encodeType(type)))).toEqual([...MEM_TYPES]);
  expect(PAT_TYPES.map((type) => decodePatType(encodeType(type)))).toEqual([...PAT_TYPES]);
  expect([2, 3, 7, 8, 255].map(decodeMemType)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect([2, 3, 8, 255].map(decodePatType)).toEqual([undefined, undefined, undefined, undefined]);
});

it('counts frames', () => {
  expect(([1, 2, 3] as const).map(pagesOf)).toEqual([1, 512, 262144]);
  expect(([1, 2, 3] as const).map((level) => levelBase(0x7ffff, level))).toEqual([0x7ffff, 0x7fe00, 0x40000]);
  expect([0n, 0xfffn, 0x1000n, 0xf_ffff_ffff_ffffn].map(gfnOf)).toEqual([0, 0, 1, 2 ** 40 - 1]);
  expect(ALL_GFNS).toEqual({ start: 0, end: 2 ** 40 });
});
