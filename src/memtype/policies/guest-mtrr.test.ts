import { describe, expect, it } from 'vitest';
import type { MemType } from '../../arch/memory-types.js';
import { type MsrWrite, replayWrites } from '../sdm/config.js';
import { archMtrrType, MtrrState } from '../sdm/mtrr.js';
import type { Rule } from '../types.js';
import {
  kvmHull,
  kvmMtrrType,
  kvmRangeConsistent,
  kvmRanges,
  kvmZapRange,
  mtrrErrata,
} from './guest-mtrr.js';

const CODES: Record<MemType, bigint> = { UC: 0n, WC: 1n, WT: 4n, WP: 5n, WB: 6n };
const M = 256;

const state = (writes: [number, bigint][], bits = 36): MtrrState =>
  replayWrites(
    writes.map(([msr, value]): MsrWrite => ({ msr, value })),
    bits,
  );

/** Ranges as type, base and mask without the valid bit; default WT, fixed ranges off. */
function ranges(...list: [MemType, bigint, bigint][]): MtrrState {
  const writes = list.flatMap(([type, base, mask], i): [number, bigint][] => [
    [0x200 + 2 * i, base | CODES[type]],
    [0x201 + 2 * i, mask | 0x800n],
  ]);
  return state([...writes, [0x2ff, 0x804n]]);
}

const MASK = { '1M': 0xf_fff0_0000n, '4M': 0xf_ffc0_0000n, '16M': 0xf_ff00_0000n, '4K': 0xf_ffff_f000n };
const at = (mtrr: MtrrState, gfn: number) => ({
  kvm: kvmMtrrType(mtrr, true, gfn),
  sdm: archMtrrType(mtrr, gfn),
});

describe('kvmHull', () => {
  it.each([
    ['a whole range', 0x40_0000n, MASK['4M'], { start: 4 * M, end: 8 * M }],
    ['a base that is not masked (D3)', 0x1000n, MASK['1M'], { start: 1, end: M }],
    ['a hole in the mask (D4)', 0n, 0xf_ffd0_0000n, { start: 0, end: 3 * M }],
    ['all of memory', 0n, 0n, { start: 0, end: 2 ** 24 }],
  ])('of %s', (_, base, mask, hull) => {
    const [range] = ranges(['WB', base, mask]).variable;
    expect(range && kvmHull(range)).toEqual(hull);
    expect(range && kvmZapRange(range)).toEqual(hull);
  });

  it('ends at 0 if the mask was never written (D5)', () => {
    const [range] = state([[0x200, 0x5006n]]).variable;
    expect(range && kvmHull(range)).toEqual({ start: 5, end: 0 });
  });

  it('goes by the address bits at the time the mask was written', () => {
    const mask = { kind: 'mask', index: 0 } as const;
    const [range] = MtrrState.initial.write(mask, 0x800n, 52).variable;
    expect(range && kvmZapRange(range)).toEqual({ start: 0, end: 2 ** 40 });
  });
});

describe('kvmRanges', () => {
  it('come in descending order of PHYSBASE, type included', () => {
    const mtrr = ranges(
      ['UC', 0n, MASK['4M']],
      ['WB', 0x100000n, MASK['1M']],
      ['WB', 0n, MASK['4M']],
      ['WB', 0x100000n, MASK['4K']],
    );
    expect(kvmRanges(mtrr).map(({ index }) => index)).toEqual([1, 3, 2, 0]);
    expect(kvmRanges(mtrr)).toBe(kvmRanges(mtrr));
  });
});

describe('kvmMtrrType', () => {
  it('is UC with MTRRs disabled, WB if the CPUID has none', () => {
    expect(kvmMtrrType(state([[0x2ff, 0x406n]]), true, 5)).toBe('UC');
    expect(kvmMtrrType(state([[0x2ff, 0x400n]]), false, 5)).toBe('WB');
    expect(kvmMtrrType(state([[0x2ff, 0x801n]]), false, 5)).toBe('WC');
  });

  it('takes fixed ranges below 1M only with FE', () => {
    const fixed: [number, bigint] = [0x26f, 0x0100_0000_0000_0000n];
    expect(kvmMtrrType(state([fixed, [0x2ff, 0xc06n]]), true, 0xff)).toBe('WC');
    expect(kvmMtrrType(state([fixed, [0x2ff, 0xc06n]]), true, 0x100)).toBe('WB');
    expect(kvmMtrrType(state([fixed, [0x2ff, 0x806n]]), true, 0xff)).toBe('WB');
  });

  // Ranges from the highest base down, as KVM meets them, all over frame 0x40.
  const MET: readonly [MemType[], MemType][] = [
    [['WB'], 'WB'],
    [['WB', 'WB'], 'WB'],
    [['WB', 'UC'], 'UC'],
    [['WT', 'UC'], 'UC'],
    [['UC', 'WB'], 'WB'],
    [['UC', 'UC', 'WT'], 'WB'],
    [['UC', 'UC'], 'UC'],
    [['WT', 'WB'], 'WT'],
    [['WB', 'WT'], 'WT'],
    [['WB', 'WT', 'WB'], 'WT'],
    [['WB', 'WT', 'UC'], 'UC'],
    [['WC', 'WB'], 'WB'],
    [['WC', 'WT', 'UC'], 'WB'],
    [['WP', 'WC'], 'WB'],
    [['WB', 'WP'], 'WB'],
    [['WC', 'UC', 'WB'], 'UC'],
  ];
  it.each(MET)('%s: %s', (types, expected) => {
    // The hulls of all three bases reach from the base to 1M, so all cover the frame.
    const bases = [0x40000n, 0x20000n, 0n].slice(3 - types.length);
    const mtrr = ranges(
      ...types.map((type, i): [MemType, bigint, bigint] => [type, bases[i] as bigint, MASK['1M']]),
    );
    expect(kvmMtrrType(mtrr, true, 0x40)).toBe(expected);
  });

  it('ends a range one frame before its end', () => {
    const mtrr = ranges(['UC', 0x40_0000n, MASK['4M']]);
    expect([1023, 1024, 2047, 2048].map((gfn) => kvmMtrrType(mtrr, true, gfn))).toEqual([
      'WT',
      'UC',
      'UC',
      'WT',
    ]);
  });

  it('tells each step', () => {
    const texts = (mtrr: MtrrState, gfn: number, cpuid = true): string[] => {
      const why: Rule[] = [];
      kvmMtrrType(mtrr, cpuid, gfn, why);
      for (const { source } of why) expect(source).toMatch(/\(\), up to 6\.10$/);
      return why.map(({ text }) => text);
    };
    const d1 = ranges(['WB', 0n, MASK['16M']], ['UC', 0xc0_0000n, MASK['4M']]);
    expect(texts(d1, 0xc00)).toEqual([
      'variable range 1 says UC',
      'variable range 0 says WB, met after UC: WB',
    ]);
    expect(texts(d1, 0x1000)).toEqual(['no variable range covers the page: the default type WT']);
    expect(texts(state([[0x2ff, 0xc06n]]), 0x80)).toEqual(['fixed range 8 says UC']);
    expect(texts(MtrrState.initial, 0)).toEqual(['MTRRs are disabled (E=0) and the guest has MTRRs: UC']);
    expect(texts(MtrrState.initial, 0, false)).toEqual([
      'MTRRs are disabled (E=0) and the guest has no MTRRs by its CPUID: WB',
    ]);
  });
});

describe('kvmRangeConsistent', () => {
  const first = { start: 0, end: 512 };
  const second = { start: 512, end: 1024 };
  const fixedAll = (code: bigint): [number, bigint][] =>
    [0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f].map((msr) => [
      msr,
      code * 0x0101_0101_0101_0101n,
    ]);

  it('is true while MTRRs are off, and where nothing is set', () => {
    expect(kvmRangeConsistent(state([...fixedAll(6n), [0x268, 0n], [0x2ff, 0x400n]]), first)).toBe(true);
    expect(kvmRangeConsistent(state([[0x2ff, 0x806n]]), first)).toBe(true);
  });

  it('wants one fixed type, and the default to be it', () => {
    expect(kvmRangeConsistent(state([...fixedAll(6n), [0x2ff, 0xc06n]]), first)).toBe(true);
    expect(kvmRangeConsistent(state([...fixedAll(6n), [0x2ff, 0xc04n]]), first)).toBe(false);
    expect(kvmRangeConsistent(state([...fixedAll(6n), [0x26f, 0n], [0x2ff, 0xc06n]]), first)).toBe(false);
    expect(kvmRangeConsistent(state([...fixedAll(6n), [0x26f, 0n], [0x2ff, 0x806n]]), first)).toBe(true);
    expect(kvmRangeConsistent(state([...fixedAll(4n), [0x2ff, 0xc06n]]), second)).toBe(true);
  });

  it('judges a span below 1M by fixed ranges alone', () => {
    const mtrr = state([...fixedAll(5n), [0x250, 0n], [0x2ff, 0xc06n]]);
    expect(kvmRangeConsistent(mtrr, { start: 0, end: 0x80 })).toBe(true);
    expect(kvmRangeConsistent(mtrr, { start: 0x80, end: 0x100 })).toBe(true);
    expect(kvmRangeConsistent(mtrr, { start: 0, end: 0x100 })).toBe(false);
  });

  it('takes a full cover of any type, a partial one only of the default type', () => {
    expect(kvmRangeConsistent(ranges(['UC', 0x20_0000n, 0xf_ffe0_0000n]), second)).toBe(true);
    expect(kvmRangeConsistent(ranges(['UC', 0x20_0000n, MASK['1M']]), second)).toBe(false);
    expect(kvmRangeConsistent(ranges(['UC', 0x30_0000n, MASK['1M']]), second)).toBe(false);
    expect(kvmRangeConsistent(ranges(['WT', 0x30_0000n, MASK['1M']]), second)).toBe(true);
    expect(kvmRangeConsistent(ranges(['UC', 0n, MASK['4M']]), second)).toBe(true);
  });

  it('does not apply precedence: UC over WB is inconsistent though all of it has one type', () => {
    expect(kvmRangeConsistent(ranges(['WB', 0n, MASK['16M']], ['UC', 0n, MASK['16M']]), second)).toBe(false);
  });

  it('takes two halves for a partial cover, as it walks down but measures upwards', () => {
    expect(
      kvmRangeConsistent(ranges(['UC', 0x20_0000n, MASK['1M']], ['UC', 0x30_0000n, MASK['1M']]), second),
    ).toBe(false);
    expect(
      kvmRangeConsistent(ranges(['UC', 0x20_0000n, MASK['1M']], ['UC', 0x20_0000n, MASK['4M']]), second),
    ).toBe(true);
  });
});

describe('errata of the lookup', () => {
  it('D1: UC loses to a range with a lower base', () => {
    const mtrr = ranges(['WB', 0n, MASK['16M']], ['UC', 0xc0_0000n, MASK['4M']]);
    expect(at(mtrr, 12 * M)).toEqual({ kvm: 'WB', sdm: 'UC' });
    expect(mtrrErrata(mtrr, true, 12 * M)).toEqual(['D1']);
    const other = ranges(['UC', 0n, MASK['16M']], ['WB', 0xc0_0000n, MASK['4M']]);
    expect(at(other, 12 * M)).toEqual({ kvm: 'UC', sdm: 'UC' });
    expect(mtrrErrata(other, true, 12 * M)).toEqual([]);
    const sameBase = ranges(['WB', 0n, MASK['16M']], ['UC', 0n, MASK['4M']]);
    expect(at(sameBase, 0)).toEqual({ kvm: 'UC', sdm: 'UC' });
    const through = ranges(['WT', 0n, MASK['16M']], ['UC', 0xc0_0000n, MASK['4M']]);
    expect(at(through, 12 * M)).toEqual({ kvm: 'WB', sdm: 'UC' });
    expect(mtrrErrata(through, true, 12 * M)).toEqual(['D1']);
  });

  it('D2: an undefined overlap is WB', () => {
    const mtrr = ranges(['WC', 0n, MASK['16M']], ['WB', 0xc0_0000n, MASK['4M']]);
    expect(at(mtrr, 12 * M)).toEqual({ kvm: 'WB', sdm: 'undefined' });
    expect(mtrrErrata(mtrr, true, 12 * M)).toEqual(['D2']);
    expect(mtrrErrata(mtrr, true, 0)).toEqual([]);
  });

  it('D3: an unaligned base starts the range late', () => {
    const mtrr = ranges(['UC', 0x1000n, MASK['1M']]);
    expect(at(mtrr, 0)).toEqual({ kvm: 'WT', sdm: 'UC' });
    expect(mtrrErrata(mtrr, true, 0)).toEqual(['D3']);
    expect(mtrrErrata(mtrr, true, 1)).toEqual([]);
    expect(at(mtrr, 255)).toEqual({ kvm: 'UC', sdm: 'UC' });
  });

  it('D4: a hole in the mask is filled', () => {
    const mtrr = ranges(['UC', 0n, 0xf_ffd0_0000n]);
    expect([0, M, 2 * M, 3 * M].map((gfn) => at(mtrr, gfn))).toEqual([
      { kvm: 'UC', sdm: 'UC' },
      { kvm: 'UC', sdm: 'WT' },
      { kvm: 'UC', sdm: 'UC' },
      { kvm: 'WT', sdm: 'WT' },
    ]);
    expect([0, M, 2 * M, 3 * M].map((gfn) => mtrrErrata(mtrr, true, gfn))).toEqual([[], ['D4'], [], []]);
  });

  it('does not name the coverage of ranges that end where the page starts, or before', () => {
    const mtrr = ranges(
      ['WB', 0n, MASK['16M']],
      ['UC', 0xc0_0000n, MASK['4M']],
      ['WB', 0x80_0000n, MASK['4M']],
      ['WB', 0x10_0000n, MASK['1M']],
    );
    expect(mtrrErrata(mtrr, true, 12 * M)).toEqual(['D1']);
  });

  it('names each cause once', () => {
    const twice = ranges(['UC', 0n, 0xf_ffd0_0000n], ['UC', 0n, 0xf_ffd0_0000n]);
    expect(mtrrErrata(twice, true, M)).toEqual(['D4']);
    const both = ranges(['UC', 0n, 0xf_ffd0_0000n], ['WB', 0x11_0000n, MASK['1M']]);
    expect(at(both, M)).toEqual({ kvm: 'UC', sdm: 'WB' });
    expect(mtrrErrata(both, true, M)).toEqual(['D3', 'D4']);
  });

  it('are none where fixed ranges decide or MTRRs are off', () => {
    const set: [number, bigint][] = [
      [0x200, 0x1000n],
      [0x201, 0xf_fff0_0800n],
    ];
    expect(mtrrErrata(state([...set, [0x2ff, 0xc04n]]), true, 0)).toEqual([]);
    expect(mtrrErrata(state([...set, [0x2ff, 0x804n]]), true, 0)).toEqual(['D3']);
    expect(mtrrErrata(state([...set, [0x2ff, 0x404n]]), false, 0)).toEqual([]);
  });
});
