import { expect, test } from 'vitest';
import { labInventory, missingOf } from './inventory.js';

test('what lacks is told with the packages that bring it, each once', () => {
  const needed = [
    ['no-such-tool', 'a'],
    ['/no/such/file', 'a'],
    ['sh', 'dash'],
  ] as const;

  expect(missingOf(needed, '/bin:/usr/bin')).toEqual({
    reason: 'no-such-tool, /no/such/file are not installed',
    lift: 'apt-get install a',
  });
  expect(missingOf([['sh', 'dash']], '/bin')).toBeUndefined();
});

test('an inventory is taken of any machine', () => {
  const { temporary } = labInventory();

  expect('path' in temporary ? temporary.freeBytes : temporary.reason).toBeTruthy();
});
