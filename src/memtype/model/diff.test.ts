import { describe, expect, it } from 'vitest';
import { diffEffect, type Seen, type SeenLeaf, seenLevel } from './diff.js';
import { type Effect, emptyEffect, type ModelEvent } from './events.js';
import type { Leaf } from './leaves.js';

const leaf = (gfn: number, rest: Partial<Leaf> = {}): Leaf => ({
  gfn,
  level: 1,
  type: 'WB',
  ipat: true,
  why: [],
  vcpu: 0,
  maxLevel: 2,
  errata: [],
  ...rest,
});
const seen = (gfn: number, rest: Partial<SeenLeaf> = {}): SeenLeaf => ({
  gfn,
  level: 1,
  type: 'WB',
  ipat: true,
  ...rest,
});
const effect = (rest: Partial<Effect>): Effect => ({ ...emptyEffect(), ...rest });
const texts = (want: Partial<Effect>, got: Seen): string[] =>
  diffEffect(effect(want), got).map(({ kind, text }) => `${kind}: ${text}`);

describe('diffEffect', () => {
  it('finds nothing where all is as it should be, or was not observed', () => {
    const want = { made: [leaf(1)], zapped: [leaf(2)], msr: 'ok', zapCalls: [{ start: 0, end: 9 }] } as const;
    expect(
      texts({ ...want, made: [leaf(1)], zapped: [leaf(2)], zapCalls: [{ start: 0, end: 9 }] }, {}),
    ).toEqual([]);
    const all: Seen = {
      made: [seen(1)],
      zapped: [{ gfn: 2, level: 1 }],
      msr: 'ok',
      zapCalls: 1,
      refused: false,
    };
    expect(
      texts({ made: [leaf(1)], zapped: [leaf(2)], msr: 'ok', zapCalls: [{ start: 0, end: 9 }] }, all),
    ).toEqual([]);
    expect(texts({ refused: 'EINVAL', cr0: 'gp' }, { refused: true, cr0: 'gp' })).toEqual([]);
    expect(texts({}, { msr: 'ok', cr0: 'gp' })).toEqual([]);
  });

  it('tells wrong, high, missing and unexpected leaves apart', () => {
    expect(texts({ made: [leaf(0x1f, { type: 'UC', ipat: false })] }, { made: [seen(0x1f)] })).toEqual([
      'wrong-type: gfn 0x1f: expected UC IPAT 0, seen WB IPAT 1',
    ]);
    expect(texts({ made: [leaf(1)] }, { made: [seen(1, { ipat: false })] })).toEqual([
      'wrong-type: gfn 0x1: expected WB IPAT 1, seen WB IPAT 0',
    ]);
    expect(texts({ made: [leaf(0, { level: 2 })] }, { made: [seen(0, { level: 2 })] })).toEqual([]);
    expect(texts({ made: [leaf(0, { maxLevel: 1 })] }, { made: [seen(0, { level: 2 })] })).toEqual([
      'level-too-high: gfn 0x0: level 2 seen, at most 1 expected',
    ]);
    expect(texts({ made: [leaf(1)] }, { made: [] })).toEqual([
      'missing-leaf: gfn 0x1: expected WB IPAT 1, no leaf seen',
    ]);
    expect(texts({}, { made: [seen(1, { type: 'none', ipat: false })] })).toEqual([
      'unexpected-leaf: gfn 0x1: a leaf that nothing calls for, no type',
    ]);
    expect(diffEffect(effect({}), { made: [seen(7)] })[0]).toMatchObject({ kind: 'unexpected-leaf', gfn: 7 });
    expect(diffEffect(effect({ made: [leaf(7)] }), { made: [] })[0]?.gfn).toBe(7);
    expect(diffEffect(effect({ made: [leaf(7, { type: 'WC' })] }), { made: [seen(7)] })[0]?.gfn).toBe(7);
    expect(
      diffEffect(effect({ made: [leaf(7, { maxLevel: 1 })] }), { made: [seen(7, { level: 2 })] })[0]?.gfn,
    ).toBe(7);
  });

  it('tells a missing zap from a needless one', () => {
    expect(texts({ zapped: [leaf(1)] }, { zapped: [{ gfn: 2, level: 1 }] })).toEqual([
      'missing-zap: gfn 0x1: the leaf had to be zapped, and stayed',
      'needless-zap: gfn 0x2: the leaf had to stay, and was zapped',
    ]);
    const gfns = diffEffect(effect({ zapped: [leaf(1)] }), { zapped: [{ gfn: 2, level: 1 }] }).map(
      ({ gfn }) => gfn,
    );
    expect(gfns).toEqual([1, 2]);
  });

  it('lets leaves go that may, or that a huge leaf replaces, or that are split', () => {
    const zapped = [{ gfn: 0x200, level: 1 as const }];
    expect(texts({ mayZap: [{ start: 0x200, end: 0x400 }] }, { zapped })).toEqual([]);
    expect(texts({ mayZap: [{ start: 0x201, end: 0x400 }] }, { zapped }).length).toBe(1);
    const merge = { mayMerge: [leaf(0x200, { level: 2 })] };
    expect(texts(merge, { made: [seen(0x200, { level: 2 })], zapped })).toEqual([]);
    expect(texts(merge, { zapped }).length).toBe(1);
    expect(texts(merge, { made: [seen(0x200)] })).toEqual([
      'unexpected-leaf: gfn 0x200: a leaf that nothing calls for, WB IPAT 1',
    ]);
    expect(texts(merge, { made: [seen(0x200, { level: 2, ipat: false })] })[0]).toMatch(/^wrong-type/);
    expect(texts(merge, { made: [seen(0x400, { level: 2 })] })[0]).toMatch(/^unexpected-leaf/);
    expect(texts({ split: [leaf(0x200, { level: 2 })] }, { zapped: [{ gfn: 0x200, level: 2 }] })).toEqual([]);
    expect(texts({ made: [leaf(0x200)] }, { made: [seen(0x200)], zapped })[0]).toMatch(/^needless-zap/);
  });

  it('compares outcomes', () => {
    expect(texts({ msr: 'ok' }, { msr: 'gp' })).toEqual([
      'msr: the MSR write had to succeed, but did fault with #GP',
    ]);
    expect(texts({ msr: 'gp', msrReason: 'INVAL' }, { msrReason: 'UNKNOWN' })).toEqual([
      'msr-reason: the MSR write had to fail as INVAL, but did as UNKNOWN',
    ]);
    expect(texts({ msr: 'gp', msrReason: 'INVAL' }, { msrReason: 'INVAL' })).toEqual([]);
    expect(texts({ msr: 'ok' }, { msrReason: 'INVAL' })).toEqual([]);
    expect(texts({ cr0: 'gp' }, { cr0: 'ok' })).toEqual([
      'cr0: the write to CR0 had to fault with #GP, but did succeed',
    ]);
    expect(texts({ refused: 'EINVAL' }, { refused: false })).toEqual([
      'ioctl: the ioctl had to fail with EINVAL, but did succeed',
    ]);
    expect(texts({}, { refused: true })).toEqual(['ioctl: the ioctl had to succeed, but did fail']);
    expect(texts({}, { zapCalls: 2 })).toEqual([
      'zap-calls: kvm_zap_gfn_range() had to be called 0 times, but was 2 times',
    ]);
  });
});

describe('seenLevel', () => {
  const access: ModelEvent = { kind: 'access', vcpu: 0, gfn: 0x234, access: 'read' };

  it('takes the level of the leaf that maps the page', () => {
    expect(seenLevel(access, { made: [seen(0x400, { level: 2 }), seen(0x200, { level: 2 })] })).toEqual({
      ...access,
      level: 2,
    });
    expect(seenLevel(access, { made: [seen(0x234)] })).toEqual({ ...access, level: 1 });
  });

  it('leaves other events, and pages that were not seen, alone', () => {
    expect(seenLevel(access, { made: [seen(0x235), seen(0, { level: 2 })] })).toBe(access);
    expect(seenLevel(access, {})).toBe(access);
    expect(seenLevel(access, { made: [seen(0x233)] })).toBe(access);
    const other: ModelEvent = { kind: 'discard', gfn: 0x234, npages: 1 };
    expect(seenLevel(other, { made: [seen(0x234)] })).toBe(other);
  });
});
