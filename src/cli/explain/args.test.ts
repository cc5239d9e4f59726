import { describe, expect, it } from 'vitest';
import { UsageError } from '../errors.js';
import { parseMsrWrite, parseMtrrs, parseNumber } from './args.js';

describe('parseNumber', () => {
  it.each([
    ['0', 0n],
    ['4096', 4096n],
    ['0xC00000', 0xc00000n],
    ['12M', 12n << 20n],
    ['4k', 4096n],
    ['0x10G', 16n << 30n],
    ['1T', 1n << 40n],
    ['0xffffffffffffffff', (1n << 64n) - 1n],
  ])('%s', (text, value) => {
    expect(parseNumber(text, 'it')).toBe(value);
  });

  it.each(['', 'x', '-1', '1.5', '12P', '0x', '1 M', '0b1'])("refuses '%s'", (text) => {
    expect(() => parseNumber(text, 'it')).toThrow(
      new UsageError(`it '${text}' is not a number such as 4096, 0xc00000 or 12M`),
    );
  });

  it('refuses what does not fit 64 bits', () => {
    expect(() => parseNumber('0x10000000000000000', 'it')).toThrow(
      "it '0x10000000000000000' does not fit 64 bits",
    );
    expect(() => parseNumber('16777216T', 'it')).toThrow(UsageError);
  });
});

describe('parseMtrrs', () => {
  it('puts all specs together', () => {
    expect(
      parseMtrrs([
        'def=wt',
        '0=WB@0+16M',
        'fix=UC@0xa0000+128K',
        '3=UC@12M/0xff00000000',
        'fix=WP@0xff000+4K',
      ]),
    ).toEqual({
      def: { type: 'WT', enabled: true, fixedEnabled: false },
      variable: [
        { index: 0, type: 'WB', base: 0n, size: 16n << 20n },
        { index: 3, type: 'UC', base: 12n << 20n, mask: 0xff_0000_0000n },
      ],
      fixed: [
        { type: 'UC', start: 0xa0000n, size: 128n << 10n },
        { type: 'WP', start: 0xff000n, size: 4096n },
      ],
    });
  });

  it.each([
    ['def=UC,e=0', false, false],
    ['def=UC,e=1,fe=1', true, true],
    ['def=UC,fe=1', true, true],
    ['def=UC,fe=1,e=0', false, true],
  ])('%s', (spec, enabled, fixedEnabled) => {
    expect(parseMtrrs([spec])).toEqual({ def: { type: 'UC', enabled, fixedEnabled } });
  });

  it.each([
    ['foo', '--mtrr foo is not like def=UC,e=1 or 0=WB@0+16M or fix=UC@0xa0000+128K'],
    ['x=UC', '--mtrr x=UC is not like def=UC,e=1 or 0=WB@0+16M or fix=UC@0xa0000+128K'],
    ['-1=UC@0+1M', '--mtrr -1=UC@0+1M is not like def=UC,e=1 or 0=WB@0+16M or fix=UC@0xa0000+128K'],
    ['def=', '--mtrr def= is not like def=UC,e=1,fe=0'],
    ['def=UC,e=2', '--mtrr def=UC,e=2 is not like def=UC,e=1,fe=0'],
    ['def=UC,x=1', '--mtrr def=UC,x=1 is not like def=UC,e=1,fe=0'],
    ['def=XX', "--mtrr def: 'XX' is not one of UC, WC, WT, WP, WB"],
    ['0=WB', '--mtrr 0=WB is not like 0=WB@0+16M'],
    ['0=WB@0', '--mtrr 0=WB@0 is not like 0=WB@0+16M'],
    ['0=WB@z+1M', "--mtrr 0: the start 'z' is not a number such as 4096, 0xc00000 or 12M"],
    ['0=WB@0+z', "--mtrr 0: the size 'z' is not a number such as 4096, 0xc00000 or 12M"],
    ['0=WB@0/z', "--mtrr 0: the mask 'z' is not a number such as 4096, 0xc00000 or 12M"],
    ['fix=WB@0/0xff', '--mtrr fix=WB@0/0xff is not like fix=UC@0xa0000+128K'],
  ])('refuses %s', (spec, message) => {
    expect(() => parseMtrrs([spec])).toThrow(new UsageError(message));
  });
});

describe('parseMsrWrite', () => {
  it('takes a number and a value', () => {
    expect(parseMsrWrite('0x2ff=0xc06')).toEqual({ msr: 0x2ff, value: 0xc06n });
  });

  it.each(['', '0x2ff', '0x2ff=', '=1', '1=2=3'])("refuses '%s'", (text) => {
    expect(() => parseMsrWrite(text)).toThrow(new UsageError(`--msr ${text} is not like 0x2ff=0xc06`));
  });

  it('names the half that is no number', () => {
    expect(() => parseMsrWrite('x=1')).toThrow(/^--msr: the number 'x'/);
    expect(() => parseMsrWrite('1=x')).toThrow(/^--msr: the value 'x'/);
  });
});
