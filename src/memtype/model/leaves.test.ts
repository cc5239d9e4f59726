import { describe, expect, it } from 'vitest';
import type { Level } from '../../arch/units.js';
import { type Leaf, LeafStore, leafRange } from './leaves.js';

const leaf = (gfn: number, level: Level = 1): Leaf => ({
  gfn,
  level,
  type: 'WB',
  ipat: true,
  why: [],
  vcpu: 0,
  maxLevel: 3,
  minLevel: 1,
  writable: true,
  clean: false,
  errata: [],
});
const store = (...leaves: Leaf[]): LeafStore => {
  const made = new LeafStore();
  for (const each of leaves) made.put(each);
  return made;
};
const frames = (leaves: Leaf[]): number[] => leaves.map(({ gfn }) => gfn);

describe('LeafStore', () => {
  it('finds a leaf by any frame that it maps', () => {
    const leaves = store(leaf(5), leaf(0x200, 2), leaf(0x40000, 3));
    expect(
      [4, 5, 6, 0x1ff, 0x200, 0x3ff, 0x400, 0x3ffff, 0x40000, 0x7ffff, 0x80000].map(
        (gfn) => leaves.find(gfn)?.gfn,
      ),
    ).toEqual([
      undefined,
      5,
      undefined,
      undefined,
      0x200,
      0x200,
      undefined,
      undefined,
      0x40000,
      0x40000,
      undefined,
    ]);
    expect(leaves.size).toBe(3);
  });

  it('replaces what a new leaf overlaps', () => {
    const leaves = store(leaf(0x200), leaf(0x3ff), leaf(0x400));
    expect(frames(leaves.put(leaf(0x200, 2)))).toEqual([0x200, 0x3ff]);
    expect(leaves.size).toBe(2);
    expect(frames(leaves.put(leaf(0x201)))).toEqual([0x200]);
    expect(leaves.find(0x200)).toBeUndefined();
  });

  it('zaps every leaf that maps a frame of the range, huge ones whole, in order', () => {
    const make = (): LeafStore => store(leaf(0x200, 2), leaf(0x401), leaf(0x400), leaf(7));
    expect(frames(make().zap({ start: 0x3ff, end: 0x401 }))).toEqual([0x200, 0x400]);
    expect(frames(make().zap({ start: 0x400, end: 0x402 }))).toEqual([0x400, 0x401]);
    expect(frames(make().zap({ start: 0, end: 2 ** 40 }))).toEqual([7, 0x200, 0x400, 0x401]);
    expect(frames(make().zap({ start: 8, end: 0x200 }))).toEqual([]);
    expect(frames(make().zap({ start: 7, end: 8 }))).toEqual([7]);
    expect(frames(make().zap({ start: 6, end: 7 }))).toEqual([]);
    expect(frames(make().zap({ start: 7, end: 7 }))).toEqual([]);
    expect(frames(make().zap({ start: 0x201, end: 0 }))).toEqual([]);
    expect(frames(make().zap({ start: 0x250, end: 0x250 }))).toEqual([]);
    const after = make();
    after.zap({ start: 0x250, end: 0x251 });
    expect(frames(after.within({ start: 0, end: 0x1000 }))).toEqual([7, 0x400, 0x401]);
  });

  it('finds the same by looking at leaves as by looking at frames', () => {
    const few = store(leaf(3));
    const many = store(...Array.from({ length: 40 }, (_, i) => leaf(2 * i)));
    expect(frames(few.within({ start: 0, end: 9 }))).toEqual([3]);
    expect(frames(few.within({ start: 4, end: 9 }))).toEqual([]);
    expect(frames(few.within({ start: 0, end: 3 }))).toEqual([]);
    expect(frames(many.within({ start: 3, end: 9 }))).toEqual([4, 6, 8]);
    expect(frames(many.within({ start: 4, end: 8 }))).toEqual([4, 6]);
    expect(frames(many.within({ start: 70, end: 1000 }))).toEqual([70, 72, 74, 76, 78]);
  });

  it('copies', () => {
    const first = store(leaf(1));
    const second = new LeafStore(first);
    second.put(leaf(2));
    second.zap({ start: 1, end: 2 });
    expect(frames(first.within({ start: 0, end: 9 }))).toEqual([1]);
    expect(frames(second.within({ start: 0, end: 9 }))).toEqual([2]);
  });

  it.each([
    [1, 7],
    [2, 518],
    [3, 262150],
  ] as const)('a leaf of level %i at 6 ends at %i', (level, end) => {
    expect(leafRange({ gfn: 6, level })).toEqual({ start: 6, end });
  });
});
