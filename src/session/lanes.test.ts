import { expect, test } from 'vitest';
import { deal, laneCount } from './lanes.js';

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
