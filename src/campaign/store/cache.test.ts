import { rmSync, utimesSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { scratchDir } from '../../../test/support/fake-host.js';
import { ObjectCache } from './cache.js';
import { Objects } from './objects.js';

const SIZE = 1000;

/** A cache for two files. */
function cacheOfTwo() {
  const folder = scratchDir();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const objects = new Objects(folder);
  const put = (n: number): string => objects.put(Buffer.alloc(SIZE, n));
  /** Another job needs a file, and ends. */
  const job = (n: number): string => {
    const hash = put(n);
    const use = cache.begin([hash]);
    cache.used(use);
    // Files of the same millisecond would go in any order.
    utimesSync(objects.path(hash), n, n);
    cache.end(use, []);
    return hash;
  };
  const cache = new ObjectCache(objects, 2 * SIZE);
  return { cache, objects, put, job };
}

it('the limit holds while other jobs run, whose files stay', () => {
  const { cache, objects, put, job } = cacheOfTwo();
  const needed = put(0);
  const long = cache.begin([needed]);
  cache.used(long);

  const all = [1, 2, 3, 4, 5].map(job);

  expect(objects.all().sort()).toEqual([needed, all[4]].sort());
  expect(cache.end(long, [])).toBe(2 * SIZE);
});

it('what a job that runs has made stays until it is given back', () => {
  const { cache, objects, put, job } = cacheOfTwo();
  const long = cache.begin([]);
  const made = put(0);

  const one = job(1);
  const more = [2, 3, 4].map(job);
  expect(objects.has(made)).toBe(true);
  expect(objects.has(one)).toBe(false);
  utimesSync(objects.path(made), 0, 0);
  cache.end(long, [made]);
  job(5);

  expect(objects.has(made)).toBe(false);
  expect(objects.has(more[2] as string)).toBe(true);
});

it('what was left by an earlier process, and by jobs that came to nothing, goes', () => {
  const { cache, objects, put, job } = cacheOfTwo();
  const left = put(0);
  utimesSync(objects.path(left), 0, 0);
  cache.begin([]);

  [1, 2].map(job);

  expect(objects.has(left)).toBe(false);
});
