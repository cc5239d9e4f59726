import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { BuildDir } from './builddir.js';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'builddir-test-'));
});

afterEach(() => rmSync(root, { recursive: true }));

const build = (key: string): BuildDir => new BuildDir(root, join(root, 'tree'), key);
const names = (): string[] => readdirSync(root).sort();
const at = (file: string, secondsAgo: number): void => {
  const time = Date.now() / 1000 - secondsAgo;
  writeFileSync(file, '');
  utimesSync(file, time, time);
};

async function used(key: string, secondsAgo: number): Promise<void> {
  mkdirSync(build(key).path);
  at(join(build(key).path, '.used'), secondsAgo);
}

it('keeps what was built before a build that was killed, and nothing younger', async () => {
  const { path } = build('x');
  await used('x', 40);
  at(join(path, 'old.o'), 30);
  at(join(path, '.building'), 20);
  at(join(path, 'young.o'), 10);
  await build('other').open();
  expect(existsSync(join(path, 'young.o'))).toBe(true);
  await build('x').open();
  expect(readdirSync(path).sort()).toEqual(['.used', 'old.o']);
});

it('leaves a directory to each configuration, and notes when it was used', async () => {
  await build('x').open();
  writeFileSync(join(build('x').path, 'a.o'), 'x');
  await build('y').open();
  await build('x').open();
  expect(names()).toEqual(['build-x', 'build-y']);
  expect(readdirSync(build('x').path)).toContain('a.o');
});

it('removes the directories used least recently beyond four', async () => {
  for (const [index, key] of ['a', 'b', 'c', 'd', 'e'].entries()) await used(key, 100 + index);
  await build('c').open();
  expect(names()).toEqual(['build-a', 'build-b', 'build-c', 'build-d']);
});

it('removes a directory that was not used for 30 days, and one that nobody finished to make', async () => {
  await used('old', 31 * 24 * 3600);
  await used('fair', 29 * 24 * 3600);
  mkdirSync(build('cut').path);
  await build('x').open();
  expect(names()).toEqual(['build-fair', 'build-x']);
});

it('uses a directory of its own that is old', async () => {
  await used('x', 31 * 24 * 3600);
  await build('x').open();
  await build('y').open();
  expect(names()).toEqual(['build-x', 'build-y']);
});

it('removes what the former layout and a removal that was cut short left', async () => {
  for (const name of ['build', 'gone-build-z', 'tree']) mkdirSync(join(root, name));
  writeFileSync(join(root, 'building'), '');
  await build('x').open();
  expect(names()).toEqual(['build-x', 'tree']);
});
