import { describe, expect, it } from 'vitest';
import { GFN_LIMIT } from '../../arch/units.js';
import { framePattern, mapRanges, matches, nextChange, overlaps } from './ranges.js';

describe('FramePattern', () => {
  it('compares all 40 bits of a frame', () => {
    const pattern = framePattern(0x80_0010_0001n, 0x80_0010_0001n);
    expect(matches(pattern, 0x80_0010_0001)).toBe(true);
    expect(matches(pattern, 0xff_ffff_ffff)).toBe(true);
    expect(matches(pattern, 0x80_0010_0000)).toBe(false);
    expect(matches(pattern, 0x80_0000_0001)).toBe(false);
    expect(matches(pattern, 0x00_0010_0001)).toBe(false);
  });

  it('ignores bits of the base outside the mask', () => {
    expect(matches(framePattern(0x3fn, 0xf0n), 0x30)).toBe(true);
  });

  // base, mask, frame, next change
  const CHANGES: readonly [bigint, bigint, number, number][] = [
    [0n, 0n, 5, GFN_LIMIT],
    [0x10n, 0xff_ffff_fff0n, 0, 0x10],
    [0x10n, 0xff_ffff_fff0n, 0x10, 0x20],
    [0x10n, 0xff_ffff_fff0n, 0x1f, 0x20],
    [0x10n, 0xff_ffff_fff0n, 0x20, GFN_LIMIT],
    [0x10n, 0xf0n, 0x20, 0x110],
    [0x10n, 0xf0n, 0xff_ffff_fff0, GFN_LIMIT],
    [0n, 1n, 0, 1],
    [0n, 1n, 1, 2],
    [1n, 1n, 0, 1],
    [1n, 1n, 0xff_ffff_ffff, GFN_LIMIT],
    [0x5n, 0x5n, 0x8, 0xd],
    [0x1n, 0x5n, 0x3, 0x4],
    [0x1n, 0x5n, 0x4, 0x9],
    [0x1n, 0x5n, 0xe, 0x11],
    [0x80_0000_0000n, 0x80_0000_0000n, 0, 0x80_0000_0000],
    [0x80_0000_0000n, 0x80_0000_0000n, 0x80_0000_0000, GFN_LIMIT],
  ];
  it.each(CHANGES)('base %i mask %i from %i changes at %i', (base, mask, gfn, next) => {
    expect(nextChange(framePattern(base, mask), gfn)).toBe(next);
  });

  it('changes exactly where matching does', () => {
    for (let mask = 0; mask < 16; mask++) {
      for (let base = 0; base < 16; base++) {
        const pattern = framePattern(BigInt(base), BigInt(mask));
        for (let gfn = 0; gfn < 24; gfn++) {
          const next = nextChange(pattern, gfn);
          let dumb = gfn + 1;
          while (dumb < 64 && matches(pattern, dumb) === matches(pattern, gfn)) dumb++;
          const want = dumb < 64 ? dumb : GFN_LIMIT;
          if (next !== want) expect({ mask, base, gfn, next }).toEqual({ mask, base, gfn, next: want });
        }
      }
    }
  });
});

describe('overlaps', () => {
  it.each([
    [0, 4, 4, 8, false],
    [4, 8, 0, 4, false],
    [0, 5, 4, 8, true],
    [4, 8, 0, 5, true],
    [0, 9, 4, 8, true],
    [5, 6, 4, 8, true],
  ])('[%i, %i) and [%i, %i): %s', (a, b, c, d, expected) => {
    expect(overlaps({ start: a, end: b }, { start: c, end: d })).toBe(expected);
  });
});

describe('mapRanges', () => {
  const every = (step: number) => (gfn: number) => (Math.floor(gfn / step) + 1) * step;

  it('joins neighbours of one value', () => {
    const asked: number[] = [];
    const map = mapRanges(
      10,
      (gfn) => {
        asked.push(gfn);
        return gfn < 6;
      },
      [every(2), every(3)],
    );
    expect(map).toEqual([
      { start: 0, end: 6, value: true },
      { start: 6, end: 10, value: false },
    ]);
    expect(asked).toEqual([0, 2, 3, 4, 6, 8, 9]);
  });

  it('is one range without cursors, and none below an end of 0', () => {
    expect(mapRanges(7, () => 1, [])).toEqual([{ start: 0, end: 7, value: 1 }]);
    expect(mapRanges(0, () => 1, [every(1)])).toEqual([]);
  });

  it('compares as told', () => {
    expect(mapRanges(4, (gfn) => ({ odd: gfn % 2 }), [every(1)], { same: () => true })).toHaveLength(1);
    expect(mapRanges(4, (gfn) => ({ odd: gfn % 2 }), [every(1)])).toHaveLength(4);
  });

  it('does not hang on a cursor that stands still or goes back', () => {
    for (const step of [0, -1]) {
      const back = () => mapRanges(9, () => 1, [(gfn) => (gfn === 0 ? 4 : gfn + step)]);
      expect(back).toThrow(new RangeError(`a cursor went back from frame 4 to ${4 + step}`));
    }
  });

  it('gives up beyond its bound', () => {
    expect(mapRanges(3, (gfn) => gfn, [every(1)], { maxRanges: 3 })).toHaveLength(3);
    expect(() => mapRanges(4, (gfn) => gfn, [every(1)], { maxRanges: 3 })).toThrow(
      new RangeError('the map has more than 3 ranges'),
    );
    expect(() => mapRanges(100_001, (gfn) => gfn, [every(1)])).toThrow(RangeError);
    expect(mapRanges(100_000, (gfn) => gfn, [every(1)])).toHaveLength(100_000);
  });
});
