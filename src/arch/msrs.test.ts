import { expect, test } from 'vitest';
import { addressMask, defType, FIXED_MSRS, MSR, msrName } from './msrs.js';

test('the fixed MSRs are listed by address', () => {
  expect(FIXED_MSRS).toEqual([0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f]);
});

test.each([
  [0xfe, 'MTRRCAP'],
  [0x1ff, undefined],
  [0x200, 'MTRR_PHYSBASE0'],
  [0x201, 'MTRR_PHYSMASK0'],
  [0x20e, 'MTRR_PHYSBASE7'],
  [0x20f, 'MTRR_PHYSMASK7'],
  [0x210, undefined],
  [0x259, 'MTRR_FIX16K_A0000'],
  [0x26b, 'MTRR_FIX4K_D8000'],
  [0x277, 'PAT'],
  [0x2ff, 'MTRR_DEF_TYPE'],
  [0x10, undefined],
])('MSR 0x%s is called %s', (msr, name) => {
  expect(msrName(msr)).toBe(name);
});

test('values are built as the SDM lays them out', () => {
  expect([defType(6), defType(6, { fe: true }), defType(0, { e: false, fe: true })]).toEqual([
    0x806n,
    0xc06n,
    0x400n,
  ]);
  expect(addressMask(0x40_0000n, 36)).toBe(0xf_ffc0_0000n);
  expect(MSR.DEF_TYPE).toBe(0x2ff);
});
