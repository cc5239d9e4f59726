import { expect, test } from 'vitest';
import { fitting } from './campaign.js';

const took = (...times: number[]) => times.map((durationMs) => ({ durationMs }));

test.each([
  ['as many as took that long', took(10, 20, 30), 120, 3],
  ['a part of one is one', took(10), 21, 2],
  ['none when the time is up', took(10, 20), 30, 0],
  ['none when more was spent', took(10, 20), 5, 0],
  ['none where those before took no time', took(0, 0), 1000, 0],
])('there is time for so many more: %s', (_, before, machineMs, fit) => {
  expect(fitting(before, machineMs)).toBe(fit);
});

test('a boot is filled where nothing is known yet, or no time is set', () => {
  const full = fitting([], 1000);

  expect(full).toBeGreaterThan(100);
  expect(fitting(took(0, 0), Number.POSITIVE_INFINITY)).toBe(full);
});
