import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { checkWritable, writeWhole } from './files.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'report-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('replaces a file whole, through a link too, and leaves nothing beside it', () => {
  writeFileSync(join(folder, 'real'), 'a longer text than the new one');
  symlinkSync('real', join(folder, 'link'));

  writeWhole(join(folder, 'link'), 'new');

  expect(readFileSync(join(folder, 'real'), 'utf8')).toBe('new');
  expect(readdirSync(folder).sort()).toEqual(['link', 'real']);
});

it('writes to what is no regular file instead of replacing it', () => {
  writeWhole('/dev/null', 'text');

  expect(() => checkWritable('/dev/null')).not.toThrow();
});

it('says in one sentence why a file cannot be written', () => {
  mkdirSync(join(folder, 'sub'));
  const cases = [
    [join(folder, 'none', 'r'), 'its folder does not exist'],
    [join(folder, 'sub'), 'it is a folder'],
  ] as const;
  for (const [file, reason] of cases) {
    expect(() => checkWritable(file)).toThrow(`cannot write --output ${file}: ${reason}`);
  }
});

it('finds a new file in an existing folder writable, without making it', () => {
  checkWritable(join(folder, 'new'));

  expect(readdirSync(folder)).toEqual([]);
});
