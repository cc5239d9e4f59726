import { expect, test } from 'vitest';
import {
  byteOf,
  decodeMemType,
  decodePatType,
  MEM_TYPES,
  MT,
  memTypeName,
  PAT_TYPES,
  typeBytes,
} from './memory-types.js';

test('types are encoded as MTRRs, PAT and EPT do', () => {
  expect(PAT_TYPES).toEqual(['UC', 'WC', 'WT', 'WP', 'WB', 'UC-']);
  expect(PAT_TYPES.map((type) => MT[type])).toEqual([0, 1, 4, 5, 6, 7]);
  expect(MEM_TYPES).toEqual(['UC', 'WC', 'WT', 'WP', 'WB']);
  expect(MEM_TYPES.map((type) => decodeMemType(MT[type]))).toEqual([...MEM_TYPES]);
  expect(PAT_TYPES.map((type) => decodePatType(MT[type]))).toEqual([...PAT_TYPES]);
  expect([2, 3, 7, 8, 255].map(decodeMemType)).toEqual(Array(5).fill(undefined));
  expect([2, 3, 8, 255].map(decodePatType)).toEqual(Array(4).fill(undefined));
  expect([0, 7, 3].map(memTypeName)).toEqual(['UC', 'UC-', 'type 3']);
});

test('types are put into bytes, and taken out, from the low end', () => {
  expect(typeBytes(MT.WB)).toBe(0x0606_0606_0606_0606n);
  expect(typeBytes(6, 4, 7, 0, 6, 4, 7, 0)).toBe(0x0007_0406_0007_0406n);
  expect([0, 1, 7].map((i) => byteOf(0x8800_0000_0000_1122n, i))).toEqual([0x22, 0x11, 0x88]);
});
