import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MappedRange } from '../sdm/ranges.js';
import { foldRanges, type Piece } from './fold.js';

type Ranges = readonly MappedRange<string>[];

/** Ranges that follow each other, as `value` and length. */
function laid(pieces: readonly (readonly [string, number])[]): Ranges {
  let at = 0;
  return pieces.map(([value, length]) => {
    const start = at;
    at += length;
    return { start, end: at, value };
  });
}

/** All that the pieces stand for, in the order of addresses. */
function unfold(pieces: readonly Piece<string>[]): Ranges {
  return pieces
    .flatMap(({ repeats, ...range }) =>
      repeats.reduce(
        (all, { times, every }) =>
          all.flatMap(({ start, end, value }) =>
            Array.from({ length: times }, (_, i) => ({
              start: start + i * every,
              end: end + i * every,
              value,
            })),
          ),
        [range],
      ),
    )
    .sort((a, b) => a.start - b.start);
}

describe('foldRanges', () => {
  it('tells a thousand pairs as two pieces', () => {
    const pairs = Array.from(
      { length: 1000 },
      () =>
        [
          ['UC', 2],
          ['WB', 62],
        ] as const,
    ).flat();
    expect(foldRanges(laid(pairs), Object.is)).toEqual([
      { start: 0, end: 2, value: 'UC', repeats: [{ times: 1000, every: 64 }] },
      { start: 2, end: 64, value: 'WB', repeats: [{ times: 1000, every: 64 }] },
    ]);
  });

  it('folds what repeats within what repeats', () => {
    const inner = Array.from(
      { length: 8 },
      () =>
        [
          ['UC', 1],
          ['WB', 1],
        ] as const,
    ).flat();
    const outer = Array.from({ length: 8 }, () => [...inner, ['WT', 100] as const]).flat();
    const folded = foldRanges(laid(outer), Object.is);
    expect(folded.length).toBe(3);
    expect(folded[0]?.repeats).toEqual([
      { times: 8, every: 2 },
      { times: 8, every: 116 },
    ]);
  });

  it('leaves few as they are', () => {
    const three = laid(
      [0, 1, 2].flatMap(
        () =>
          [
            ['UC', 2],
            ['WB', 62],
          ] as [string, number][],
      ),
    );
    expect(foldRanges(three, Object.is).map(({ repeats, ...range }) => range)).toEqual(three);
    expect(foldRanges([], Object.is)).toEqual([]);
  });

  it('stands for the same map, whatever it folds', () => {
    const piece = fc.tuple(fc.constantFrom('UC', 'WB'), fc.integer({ min: 1, max: 2 }));
    const group = fc.tuple(fc.array(piece, { minLength: 1, maxLength: 3 }), fc.integer({ min: 1, max: 6 }));
    fc.assert(
      fc.property(fc.array(group, { maxLength: 6 }), (groups) => {
        const ranges = laid(
          groups.flatMap(([pieces, times]) => Array.from({ length: times }, () => pieces).flat()),
        );
        expect(unfold(foldRanges(ranges, Object.is))).toEqual(ranges);
      }),
    );
  });
});
