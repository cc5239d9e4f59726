import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { ratioOf } from './ratio.js';

const near = (value: number, other: number): boolean => Math.abs(value / other - 1) < 0.001;

describe('ratioOf', () => {
  it('is exact where nothing varies', () => {
    const { ratio, interval = [0, 0] } = ratioOf([84, 84, 84, 84], [14, 14, 14, 14]);

    expect(ratio).toBeCloseTo(1 / 6);
    expect(interval.every((bound) => near(bound, 1 / 6))).toBe(true);
  });

  it('has an interval that holds 1 where the difference is chance', () => {
    const { interval = [0, 0] } = ratioOf([100, 104, 97, 101, 99], [101, 98, 103, 100, 102]);

    expect(interval[0]).toBeLessThan(1);
    expect(interval[1]).toBeGreaterThan(1);
  });

  it('has one that does not where it is none', () => {
    const { ratio, interval = [0, 0] } = ratioOf([100, 104, 97, 101, 99], [121, 118, 123, 120, 122]);

    expect(ratio).toBeCloseTo(1.206, 2);
    expect(interval[0]).toBeGreaterThan(1.15);
    expect(interval[1]).toBeLessThan(1.26);
  });

  it('says no interval of few values, and of nothing no ratio', () => {
    expect(ratioOf([1, 2, 3], [10, 11, 12])).toEqual({ ratio: 5.5 });
    expect(ratioOf([0, 0, 0, 0], [1, 1, 1, 1])).toEqual({ ratio: null });
    expect(ratioOf([0, 0, 0, 0], [0, 0, 0, 0])).toEqual({ ratio: 1, interval: [1, 1] });
    expect(ratioOf([5, 5, 5, 5], [0, 0, 0, 0])).toEqual({ ratio: 0, interval: [0, 0] });
  });
});

const values = fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 4, maxLength: 6 });

test('the interval holds the ratio, and the same values give the same interval', () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const { ratio, interval } = ratioOf(a, b);
      const [low, high] = interval as [number, number];

      expect(low).toBeLessThanOrEqual(ratio as number);
      expect(high).toBeGreaterThanOrEqual(ratio as number);
      expect(ratioOf(a, b).interval).toEqual(interval);
    }),
    { numRuns: 20 },
  );
});
