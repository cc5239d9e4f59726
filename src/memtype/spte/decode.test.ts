import { describe, expect, it } from 'vitest';
import { decodeSpte, type LayoutReading } from './decode.js';
import { makersOf } from './makers.js';

const kinds = (spte: bigint, level = 1): string[] => decodeSpte(spte, level).layouts.map(({ kind }) => kind);
const reasons = (spte: bigint, level = 1): string[] =>
  decodeSpte(spte, level).misconfigured.map(({ text }) => text);

describe('decodeSpte', () => {
  it('reads an entry that the lab showed on each kernel', () => {
    // R, W, X, WB, IPAT, accessed, dirty, MMU-present; host- and MMU-writable where the kernel keeps them.
    const of = (spte: bigint, kernels: string): LayoutReading =>
      decodeSpte(spte, 1).layouts.find(({ layout }) => layout.kernels === kernels) as LayoutReading;
    expect(of(0x6000000_12345b77n, '6.1')).toMatchObject({ kind: 'leaf', unknown: [] });
    expect(of(0x8600000_012345b77n, '6.12')).toMatchObject({ kind: 'leaf', unknown: [] });
    expect(of(0x80a0000_012345f77n, '7.2, 7.3').unknown).toEqual([]);
    expect(of(0x80a0000_012345f77n, '6.1').unknown).toEqual([10, 55, 63]);
  });

  it.each([
    [0n, ['not mapped', 'not mapped', 'none', 'none']],
    [1n << 63n, ['none', 'none', 'not mapped', 'not mapped']],
    [0x5a0n, ['none', 'being changed', 'none', 'none']],
    [(1n << 63n) | 0x5a0n, ['none', 'none', 'being changed', 'none']],
    [(1n << 63n) | 0x1a0n, ['none', 'none', 'none', 'being changed']],
    [0x830n, new Array(4).fill('none')],
    [0x1006n, ['leaf', 'MMIO without a memslot', 'MMIO without a memslot', 'MMIO without a memslot']],
    [(3n << 52n) | 0x1006n, new Array(4).fill('MMIO without a memslot')],
  ])('tells what %x is to each series', (spte, expected) => {
    expect(kinds(spte)).toEqual(expected);
  });

  it('tells leaves from tables', () => {
    expect(decodeSpte(0x807n, 1).isLeaf).toBe(true);
    expect([
      decodeSpte(0x807n, 2).isLeaf,
      decodeSpte(0x887n, 2).isLeaf,
      decodeSpte(0x887n, 4).isLeaf,
    ]).toEqual([false, true, false]);
    expect(kinds(0x807n, 2)).toEqual(['table', 'table', 'table', 'table']);
  });

  it.each([
    [0x830n, 1, []],
    [0x837n, 1, []],
    [0x834n, 1, []],
    [0x832n, 1, ['W=1 without R=1']],
    [0x817n, 1, ['memory type 2 is reserved']],
    [0x81fn, 1, ['memory type 3 is reserved']],
    [0x83fn, 1, ['memory type 7 is reserved']],
    [0x1008b7n, 2, ['the frame is not aligned to level 2']],
    [0x2008b7n, 2, []],
    [0x2008b7n, 3, ['the frame is not aligned to level 3']],
    [0x847n, 2, ['bits 6 to 3 are reserved in an entry that leads to a table']],
    [0x887n, 4, ['bit 7 is reserved at level 4']],
    [0x1000005d48fc76n, 1, ['W=1 without R=1']],
  ])('finds what is wrong with %x at level %i', (spte, level, expected) => {
    expect(reasons(spte, level)).toEqual(expected);
  });
});

describe('makersOf', () => {
  const names = (...leaf: Parameters<typeof makersOf>): string =>
    makersOf(...leaf)
      .map(({ name }) => name)
      .join(' ');

  it('names the policies that make a leaf in any situation', () => {
    expect(names('WB', true)).toBe('A-4.4 A A-6.2 A-6.5 B B-6.7 C D-6.11 D D-6.13 E-6.12 E');
    expect(names('WB', false)).toBe('A-4.4 A A-6.2 A-6.5 B B-6.7 C D-6.11 D D-6.13 E-6.12 E');
    expect(names('WC', false)).toBe('A-4.4 A A-6.2 A-6.5 B B-6.7');
    expect(names('UC', true)).toBe('A-4.4 A A-6.2 A-6.5 B B-6.7');
    expect(names('WT', true)).toBe('');
  });
});
