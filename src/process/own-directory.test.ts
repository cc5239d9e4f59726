import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isOwnDirectory, visitOwnDirectory } from './own-directory.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'own-'));
  for (const name of ['mine', 'victim']) {
    mkdirSync(join(folder, name), { mode: 0o700 });
    writeFileSync(join(folder, name, 'file'), 'x');
  }
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (name: string): string => join(folder, name);

it('leads to what is in a directory although a link takes its place meanwhile', () => {
  visitOwnDirectory(at('mine'), (_, path) => {
    renameSync(at('mine'), at('aside'));
    symlinkSync('victim', at('mine'));
    rmSync(path);
  });

  expect(existsSync(at('victim/file'))).toBe(true);
  expect(existsSync(at('aside/file'))).toBe(false);
});

it.each([
  ['a link to one', () => symlinkSync('victim', at('link')), 'link'],
  ['one that others can write to', () => chmodSync(at('victim'), 0o770), 'victim'],
  ['a file', () => {}, 'victim/file'],
  ['nothing', () => {}, 'none'],
])('takes for an own directory neither %s', (_, make, name) => {
  make();
  let visits = 0;

  visitOwnDirectory(at(name), () => visits++);

  expect(isOwnDirectory(at(name))).toBe(false);
  expect(visits).toBe(0);
});

it('takes one of ours alone for that', () => {
  expect(isOwnDirectory(at('mine'))).toBe(true);
});
