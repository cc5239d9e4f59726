import { expect, test } from 'vitest';
import { PageSet } from './page-set.js';

test('a set of pages is empty at first, or full', () => {
  expect([...new PageSet()]).toEqual([]);
  expect([...new PageSet(3)]).toEqual([0, 1, 2]);
});

test('pages come and go, and are told in order', () => {
  const pages = new PageSet(4);

  expect([pages.delete(1), pages.delete(1), pages.delete(9)]).toEqual([true, false, false]);
  for (const page of [8, 6, 6, 1]) pages.add(page);
  expect([pages.delete(2), pages.delete(8)]).toEqual([true, true]);
  expect([...pages]).toEqual([0, 1, 3, 6]);
  expect([0, 1, 2, 3, 6, 8].map((page) => pages.has(page))).toEqual([true, true, false, true, true, false]);

  const copy = pages.copy();
  pages.clear();
  pages.add(2);
  expect([...pages]).toEqual([2]);
  expect([...copy]).toEqual([0, 1, 3, 6]);
});
