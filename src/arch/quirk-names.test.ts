import { expect, test } from 'vitest';
import { quirkName } from './quirk-names.js';

test('a quirk is named by its bit', () => {
  expect([1, 2, 0x200, 1 << 30].map(quirkName)).toEqual([
    'LINT0_REENABLED',
    'CD_NW_CLEARED',
    'IGNORE_GUEST_PAT',
    undefined,
  ]);
});
