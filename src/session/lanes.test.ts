import { expect, test } from 'vitest';
import { deal, laneCount, sharesOf } from './lanes.js';

test.each([
  ['host', 85, 8, 1],
  ['bochs', 85, 1, 1],
  ['bochs', 85, 2, 2],
  ['bochs', 85, 64, 4],
  ['qemu-tcg', 85, 2, 2],
  ['bochs', 24, 4, 2],
  ['bochs', 23, 4, 1],
  ['bochs', 1, 4, 1],
] as const)('%s, %i scenarios, %i processors: %i', (engine, scenarios, processors, lanes) => {
  expect(laneCount(engine, scenarios, processors)).toBe(lanes);
});

test('every thing is dealt once, in order', () => {
  expect(deal([1, 2, 3, 4, 5], 2)).toEqual([
    [1, 3, 5],
    [2, 4],
  ]);
  expect(deal([1, 2], 1)).toEqual([[1, 2]]);
});

test.each([
  [227, 2],
  [40_000, 4],
  [7, 2],
  [0, 2],
])(
  '%i things for %i machines are shared out once, the last ones in small shares, and as many as a recording can tell of',
  (count, machines) => {
    const things = Array.from({ length: count }, (_, i) => i);

    const shares = sharesOf(things, machines);

    expect(shares.flat()).toEqual(things);
    const sizes = shares.map(({ length }) => length);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(sizes.at(-1) ?? 0).toBeLessThanOrEqual(6);
    expect(shares.length).toBeLessThanOrEqual(50);
  },
);
