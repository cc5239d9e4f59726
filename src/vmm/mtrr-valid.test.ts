import { expect, test } from 'vitest';
import { validMemoryTypeWrite } from './mtrr-valid.js';

/** [msr, value, valid] at MAXPHYADDR 36; the refusals are those of kvm_mtrr_valid() and kvm_pat_valid(). */
const CASES: [number, bigint, boolean][] = [
  [0xfe, 0x508n, false],
  [0x277, 0x0007040600070406n, true],
  [0x277, 0x0007040600070402n, false],
  [0x277, 0x0807040600070406n, false],
  [0x2ff, 0xc06n, true],
  [0x2ff, 0x0n, true],
  [0x2ff, 0xc02n, false],
  [0x2ff, 0xc07n, false],
  [0x2ff, 0x1c06n, false],
  [0x2ff, 0x100n, false],
  [0x250, 0x0606060606060606n, true],
  [0x268, 0x0606060606060602n, false],
  [0x26f, 0x0706060606060606n, false],
  [0x200, 0x8_0000_0006n, true],
  [0x200, 0x10_0000_0006n, false],
  [0x200, 0x107n, false],
  [0x20e, 0x106n, false],
  [0x201, 0xf_0000_0800n, true],
  [0x201, 0x10_0000_0800n, false],
  [0x201, 0xf_0000_0c00n, false],
];

test.each(CASES)('MSR %i = %i: %s', (msr, value, valid) => {
  expect(validMemoryTypeWrite(msr, value, 36)).toBe(valid);
});
