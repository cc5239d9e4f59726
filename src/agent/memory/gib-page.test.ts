import { expect, test } from 'vitest';
import { missingGib } from './gib-page.js';

test('pages of 1 GiB are missing where the processor maps none as one leaf', () => {
  const old = 'flags\t\t: fpu pdpe1gb\nvmx flags\t: ept ept_ad\n';
  expect(missingGib('ept', old)?.reason).toContain('no pages of 1 GiB');
});
