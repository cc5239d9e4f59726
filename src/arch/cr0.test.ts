import { expect, test } from 'vitest';
import { CR0_CD, CR0_LONG_MODE } from './cr0.js';

test('the bits are those of the SDM', () => {
  expect([CR0_LONG_MODE, CR0_LONG_MODE | CR0_CD]).toEqual([0x8001_0031n, 0xc001_0031n]);
});
