import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withLock } from './lock.mjs';

let folder;
let path;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'lock-'));
  path = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('lets one at a time in', async () => {
  const order = [];
  const work = (name) => async () => {
    order.push(`${name} in`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    order.push(`${name} out`);
  };

  await Promise.all([withLock(path, work('a')), withLock(path, work('b'), () => order.push('b waits'))]);

  expect(order).toEqual(['a in', 'b waits', 'a out', 'b in', 'b out']);
  expect(existsSync(path)).toBe(false);
});

it.each([
  ['a process that is gone', '4194304 1'],
  ['another process with the same id', `${process.pid} 1`],
  ['nothing that can be read', ''],
])('takes over the lock of %s', async (_, owner) => {
  writeFileSync(path, owner);

  expect(await withLock(path, () => 'done')).toBe('done');
});

it('is released when the work fails', async () => {
  const failing = withLock(path, () => Promise.reject(new Error('no')));

  await expect(failing).rejects.toThrow('no');
  expect(existsSync(path)).toBe(false);
});
