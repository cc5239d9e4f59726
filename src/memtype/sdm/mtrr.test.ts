import { describe, expect, it } from 'vitest';
import { MEM_TYPES, type MemType } from '../../arch/memory-types.js';
import { PAT_RESET } from '../../arch/msrs.js';
import type { ArchType, Rule } from '../types.js';
import { type MsrWrite, replayWrites } from './config.js';
import { classifyMsr, type MtrrMsr } from './msrs.js';
import {
  archMtrrType,
  fixedCursor,
  fixedMsrFrames,
  fixedRangeEnd,
  fixedRangeOf,
  MtrrState,
  mtrrCursors,
} from './mtrr.js';
import { mapRanges } from './ranges.js';

const state = (writes: Record<number, bigint>, maxphyaddr = 36): MtrrState =>
  replayWrites(
    Object.entries(writes).map(([msr, value]): MsrWrite => ({ msr: Number(msr), value })),
    maxphyaddr,
  );

/** Variable ranges by PHYSBASE and PHYSMASK, MTRRs on, default WT so that no test takes it for a match. */
const variable = (...pairs: [bigint, bigint][]): MtrrState =>
  state(
    Object.fromEntries([
      ...pairs.flatMap(([b, m], i) => [
        [0x200 + 2 * i, b],
        [0x201 + 2 * i, m],
      ]),
      [0x2ff, 0x804n],
    ]),
  );

// SDM, "Address Mapping for Fixed-Range MTRRs": MSR, address of its first range, size of a range.
const FIXED: readonly [number, number, number][] = [
  [0x250, 0x00000, 0x10000],
  [0x258, 0x80000, 0x4000],
  [0x259, 0xa0000, 0x4000],
  [0x268, 0xc0000, 0x1000],
  [0x269, 0xc8000, 0x1000],
  [0x26a, 0xd0000, 0x1000],
  [0x26b, 0xd8000, 0x1000],
  [0x26c, 0xe0000, 0x1000],
  [0x26d, 0xe8000, 0x1000],
  [0x26e, 0xf0000, 0x1000],
  [0x26f, 0xf8000, 0x1000],
];

describe('fixed ranges', () => {
  const bytes = FIXED.flatMap(([msr, first, size]) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((byte): [number, number, number, number] => [
      msr,
      byte,
      first + byte * size,
      size,
    ]),
  );

  it.each(bytes)('MSR %i byte %i is at %i', (msr, byte, start, size) => {
    const mtrr = state({ [msr]: 5n << BigInt(8 * byte), 767: 0xc06n });
    const wp = Array.from({ length: 0x101 }, (_, gfn) => gfn).filter(
      (gfn) => archMtrrType(mtrr, gfn) === 'WP',
    );
    expect(wp[0]).toBe(start / 4096);
    expect(wp.at(-1)).toBe((start + size) / 4096 - 1);
    expect(wp.length).toBe(size / 4096);
  });

  it.each(FIXED.map(([msr, first, size], i) => [i, msr, first, size]))(
    'MSR %i of 11 covers its eight ranges',
    (i, _msr, first, size) => {
      expect(fixedMsrFrames(i)).toEqual({ start: first / 4096, end: (first + 8 * size) / 4096 });
    },
  );

  it('numbers the 88 ranges, each up to the next', () => {
    let gfn = 0;
    for (let n = 0; n < 88; n++) {
      expect(fixedRangeOf(gfn)).toBe(n);
      const end = fixedRangeEnd(gfn);
      expect(fixedRangeOf(end - 1)).toBe(n);
      expect(fixedRangeEnd(end - 1)).toBe(end);
      gfn = end;
    }
    expect(gfn).toBe(256);
  });

  it('end where the cursor says', () => {
    expect([0, 15, 16, 0xff, 0x100, 2 ** 39].map(fixedCursor)).toEqual([
      16,
      16,
      32,
      0x100,
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ]);
  });

  it('win over variable ranges below 1 MiB, if FE is set', () => {
    const writes = { 512: 0x1n, 513: 0xf_ff00_0800n, 592: 0x0404_0404_0404_0404n };
    expect(archMtrrType(state({ ...writes, 767: 0xc06n }), 0)).toBe('WT');
    expect(archMtrrType(state({ ...writes, 767: 0xc06n }), 255)).toBe('UC');
    expect(archMtrrType(state({ ...writes, 767: 0xc06n }), 256)).toBe('WC');
    expect(archMtrrType(state({ ...writes, 767: 0x806n }), 0)).toBe('WC');
  });
});

describe('default type and enable', () => {
  it('is UC everywhere while E=0, whatever else is set', () => {
    expect(archMtrrType(state({ 767: 0x406n, 592: 0x0606_0606_0606_0606n }), 0)).toBe('UC');
    expect(archMtrrType(state({ 767: 0x006n, 512: 6n, 513: 0x800n }), 0x1000)).toBe('UC');
  });

  it.each(
    MEM_TYPES.map((type): [MemType, bigint] => [
      type,
      BigInt([0, 1, 4, 5, 6][MEM_TYPES.indexOf(type)] as number),
    ]),
  )('is %s where no range matches', (type, code) => {
    expect(archMtrrType(state({ 767: 0x800n | code }), 0x12345)).toBe(type);
  });
});

describe('variable ranges', () => {
  // SDM, "Example Base and Mask Calculations", for 36 address bits.
  const example = state({
    512: 0x0000_0006n,
    513: 0xf_fc00_0800n,
    514: 0x0400_0006n,
    515: 0xf_fe00_0800n,
    516: 0x0600_0006n,
    517: 0xf_ffc0_0800n,
    518: 0x0400_0000n,
    519: 0xf_ffc0_0800n,
    520: 0x00f0_0000n,
    521: 0xf_fff0_0800n,
    522: 0xa000_0001n,
    523: 0xf_ff80_0800n,
    767: 0x800n,
  });

  it('give the map of the example in the SDM', () => {
    const mib = (n: number): number => n * 256;
    const typeAt = (gfn: number) => archMtrrType(example, gfn);
    expect(mapRanges(mib(65536), typeAt, mtrrCursors(example))).toEqual([
      { start: 0, end: mib(15), value: 'WB' },
      { start: mib(15), end: mib(16), value: 'UC' },
      { start: mib(16), end: mib(64), value: 'WB' },
      { start: mib(64), end: mib(68), value: 'UC' },
      { start: mib(68), end: mib(100), value: 'WB' },
      { start: mib(100), end: 0xa0000, value: 'UC' },
      { start: 0xa0000, end: 0xa0800, value: 'WC' },
      { start: 0xa0800, end: mib(65536), value: 'UC' },
    ]);
  });

  // Types that overlap on one frame, and what the SDM makes of them ("MTRR Precedences").
  const OVERLAPS: readonly [MemType[], ArchType][] = [
    [['WB', 'WB'], 'WB'],
    [['WC', 'WC'], 'WC'],
    [['UC', 'WB'], 'UC'],
    [['WB', 'UC'], 'UC'],
    [['UC', 'WC', 'WP'], 'UC'],
    [['WT', 'WB'], 'WT'],
    [['WB', 'WT', 'WB'], 'WT'],
    [['WC', 'WB'], 'undefined'],
    [['WC', 'WT'], 'undefined'],
    [['WP', 'WB'], 'undefined'],
    [['WP', 'WT', 'WB'], 'undefined'],
    [['WC', 'WP'], 'undefined'],
  ];
  const CODES = { UC: 0n, WC: 1n, WT: 4n, WP: 5n, WB: 6n };

  it.each(OVERLAPS)('%s give %s', (types, expected) => {
    const mtrr = variable(...types.map((type): [bigint, bigint] => [CODES[type], 0xf_ff00_0800n]));
    expect(archMtrrType(mtrr, 0x10)).toBe(expected);
  });

  it('count only with the valid bit', () => {
    expect(archMtrrType(variable([0n, 0xf_ff00_0000n], [1n, 0xf_ff00_0800n]), 1)).toBe('WC');
  });

  it('match by base AND mask: an unaligned base is rounded, a hole in the mask repeats the range', () => {
    const unaligned = variable([0x1001n, 0xf_fff0_0800n]);
    expect([0, 1, 0xff, 0x100].map((gfn) => archMtrrType(unaligned, gfn))).toEqual(['WC', 'WC', 'WC', 'WT']);
    const hole = variable([0x10_0001n, 0xf_ffd0_0800n]);
    expect([0, 0x100, 0x200, 0x300, 0x400].map((gfn) => archMtrrType(hole, gfn))).toEqual([
      'WT',
      'WC',
      'WT',
      'WC',
      'WT',
    ]);
  });

  it('reach the top of 52 address bits', () => {
    const mtrr = state({ 512: 0xf_ffff_ffff_f001n, 513: 0xf_ffff_ffff_f800n, 767: 0x806n }, 52);
    expect(archMtrrType(mtrr, 2 ** 40 - 1)).toBe('WC');
    expect(archMtrrType(mtrr, 2 ** 40 - 2)).toBe('WB');
  });
});

describe('MtrrState', () => {
  it('starts all zero, and reads back what was written', () => {
    let mtrr = MtrrState.initial;
    const all = [0x200, 0x201, 0x20f, 0x250, 0x26f, 0x2ff].map((msr) => classifyMsr(msr) as MtrrMsr);
    expect(all.map((msr) => mtrr.read(msr))).toEqual([0n, 0n, 0n, 0n, 0n, 0n]);
    all.forEach((msr, i) => {
      mtrr = mtrr.write(msr, BigInt(i) << 12n, 36);
    });
    expect(all.map((msr) => mtrr.read(msr))).toEqual([0n, 0x1000n, 0x2000n, 0x3000n, 0x4000n, 0x5000n]);
    expect(MtrrState.initial.deftype).toBe(0n);
  });

  it('has a fixed MTRRcap, and no PAT', () => {
    const cap = { kind: 'cap', index: 0 } as const;
    const pat = { kind: 'pat', index: 0 } as const;
    expect(MtrrState.initial.write(cap, 1n, 36).read(cap)).toBe(0x508n);
    expect(MtrrState.initial.write(pat, PAT_RESET, 36)).toBe(MtrrState.initial);
    expect(() => MtrrState.initial.read(pat)).toThrow(new RangeError('the PAT is not an MTRR'));
  });

  it('remembers the reserved bits of the moment a mask was written', () => {
    const mask = { kind: 'mask', index: 3 } as const;
    const base = { kind: 'base', index: 3 } as const;
    const written = MtrrState.initial.write(mask, 0x800n, 40).write(base, 6n, 52);
    expect(written.variable[3]?.reserved).toBe(0xffff_ff00_0000_0000n);
    expect(MtrrState.initial.write(base, 6n, 52).variable[3]?.reserved).toBe(0n);
  });
});

describe('explanations', () => {
  const texts = (mtrr: MtrrState, gfn: number): string[] => {
    const why: Rule[] = [];
    archMtrrType(mtrr, gfn, why);
    for (const rule of why) expect(rule.source).toMatch(/^SDM, "/);
    return why.map((rule) => rule.text);
  };

  it('tell each step', () => {
    expect(texts(MtrrState.initial, 0)).toEqual(['MTRRs are disabled (E=0): all memory is UC']);
    expect(texts(state({ 767: 0xc06n }), 0x85)).toEqual(['fixed range 9 says UC']);
    expect(texts(state({ 767: 0xc06n }), 0x185)).toEqual(['no variable range matches: the default type WB']);
    expect(texts(variable([6n, 0xf_ff00_0800n], [0n, 0xf_fff0_0800n]), 1)).toEqual([
      'variable range 0 says WB',
      'variable range 1 says UC',
      'the ranges that match give UC',
    ]);
  });
});
