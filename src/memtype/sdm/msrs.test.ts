import { describe, expect, it } from 'vitest';
import { classifyMsr, isValidMsrValue, MTRRCAP_VALUE, type MtrrMsr, reservedAddressBits } from './msrs.js';

const msr = (number: number): MtrrMsr => classifyMsr(number) as MtrrMsr;

describe('classifyMsr', () => {
  it.each([
    [0xfe, 'cap', 0],
    [0x200, 'base', 0],
    [0x201, 'mask', 0],
    [0x20e, 'base', 7],
    [0x20f, 'mask', 7],
    [0x250, 'fixed', 0],
    [0x258, 'fixed', 1],
    [0x259, 'fixed', 2],
    [0x268, 'fixed', 3],
    [0x26f, 'fixed', 10],
    [0x277, 'pat', 0],
    [0x2ff, 'deftype', 0],
  ])('0x%s', (number, kind, index) => {
    expect(classifyMsr(number)).toEqual({ kind, index });
  });

  it.each([
    0, 0xfd, 0xff, 0x1ff, 0x210, 0x24f, 0x251, 0x257, 0x25a, 0x267, 0x270, 0x276, 0x278, 0x2fe, 0x300,
  ])('knows no 0x%s', (n) => {
    expect(classifyMsr(n)).toBeUndefined();
  });
});

// MSR, MAXPHYADDR, value, legal. From the SDM's field descriptions, and from what a 6.18 host answered.
const VALUES: readonly [number, number, bigint, boolean][] = [
  [0xfe, 36, 0x508n, false],
  [0xfe, 36, 0xc06n, false],
  [0x2ff, 36, 0n, true],
  [0x2ff, 36, 0xc06n, true],
  [0x2ff, 36, 0x806n, true],
  [0x2ff, 36, 0x406n, true],
  [0x2ff, 36, 0xc02n, false],
  [0x2ff, 36, 0xc03n, false],
  [0x2ff, 36, 0xc07n, false],
  [0x2ff, 36, 0xc08n, false],
  [0x2ff, 36, 0x106n, false],
  [0x2ff, 36, 0x206n, false],
  [0x2ff, 36, 0x1c06n, false],
  [0x2ff, 52, 1n << 63n, false],
  [0x250, 36, 0x0605_0401_0006_0606n, true],
  [0x250, 36, 0x0606_0606_0606_0602n, false],
  [0x258, 36, 0x0306_0606_0606_0606n, false],
  [0x268, 36, 0x0606_0607_0606_0606n, false],
  [0x26f, 36, 0x0606_0886_0606_0606n, false],
  [0x277, 36, 0x0007_0406_0007_0406n, true],
  [0x277, 36, 0x0707_0707n, true],
  [0x277, 36, 0x0504_0106_0700_0506n, true],
  [0x277, 36, 0x02n, false],
  [0x277, 36, 0x0300_0000_0000_0000n, false],
  [0x277, 36, 0x0800n, false],
  [0x277, 36, 0xff00_0000n, false],
  [0x200, 36, 0x6n, true],
  [0x200, 36, 0xf_ffff_f006n, true],
  [0x200, 36, 0x10_0000_0006n, false],
  [0x200, 40, 0x10_0000_0006n, true],
  [0x200, 52, 0xf_ffff_ffff_f006n, true],
  [0x200, 52, 0x10_0000_0000_0000n, false],
  [0x20e, 36, 0x106n, false],
  [0x20e, 36, 0x806n, false],
  [0x20e, 36, 0x1006n, true],
  [0x200, 36, 0x2n, false],
  [0x200, 36, 0x7n, false],
  [0x200, 36, 0x26n, false],
  [0x201, 36, 0xf_fc00_0800n, true],
  [0x201, 36, 0xf_fc00_0000n, true],
  [0x201, 36, 0x800n, true],
  [0x201, 36, 0x1_0800n, true],
  [0x201, 36, 0xc00n, false],
  [0x201, 36, 0x801n, false],
  [0x201, 36, 0x1f_fc00_0800n, false],
  [0x20f, 39, 0x7f_fc00_0800n, true],
  [0x20f, 39, 0xff_fc00_0800n, false],
];

describe('isValidMsrValue', () => {
  it.each(VALUES)('MSR %i, MAXPHYADDR %i, value %s: %s', (number, maxphyaddr, value, legal) => {
    expect(isValidMsrValue(msr(number), value, maxphyaddr)).toBe(legal);
  });
});

describe('helpers', () => {
  it('reserves the bits from MAXPHYADDR to 63', () => {
    expect(reservedAddressBits(36)).toBe(0xffff_fff0_0000_0000n);
    expect(reservedAddressBits(52)).toBe(0xfff0_0000_0000_0000n);
  });

  it('says WC, fixed, eight variable ranges', () => {
    expect(MTRRCAP_VALUE).toBe((1n << 10n) | (1n << 8n) | 8n);
  });
});
