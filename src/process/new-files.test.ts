import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeNewFiles } from './new-files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'new-files-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('files are made with their folders', () => {
  const path = join(folder, 'a', 'b', 'c.json');

  writeNewFiles([[path, 'text']]);

  expect(readFileSync(path, 'utf8')).toBe('text');
});

test.each(['a file', 'a link to nothing'])('%s that is there stays, and nothing else is made', (kind) => {
  const [first, second] = [join(folder, 'first'), join(folder, 'second')];
  if (kind === 'a file') writeFileSync(second, 'old');
  else symlinkSync(join(folder, 'target'), second);

  const write = (): void =>
    writeNewFiles([
      [first, 'new'],
      [second, 'new'],
    ]);

  expect(write).toThrow(`${second} is there already: nothing was written`);
  expect([first, join(folder, 'target')].map((path) => existsSync(path))).toEqual([false, false]);
});

test('a folder that is a file is one sentence', () => {
  const file = join(folder, 'file');
  writeFileSync(file, '');

  expect(() => writeNewFiles([[join(file, 'a', 'b'), '']])).toThrow(
    `cannot write ${join(file, 'a', 'b')}: a part of its path is not a folder`,
  );
});

test('where no folder can be made it ends', () => {
  expect(() => writeNewFiles([['/proc/none/a/b', '']])).toThrow('cannot write /proc/none/a/b: ');
});
