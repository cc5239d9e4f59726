import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hashInputs, isFresh, writeStamp } from './stamp.mjs';

let root;
const write = (path, text) => writeFileSync(join(root, path), text);
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stamp-'));
  mkdirSync(join(root, 'src'));
  write('src/a.ts', 'a');
});
afterEach(() => rmSync(root, { recursive: true }));

it.each([
  ['a changed file', () => write('src/a.ts', 'b')],
  ['a new file', () => write('src/b.ts', '')],
  ['a renamed file', () => renameSync(join(root, 'src/a.ts'), join(root, 'src/c.ts'))],
  ['a file that was missing', () => write('single', '')],
])('%s changes the hash', (_, change) => {
  const before = hashInputs(root, ['src', 'single']);
  change();

  expect(hashInputs(root, ['src', 'single'])).not.toBe(before);
});

it('what keep() leaves out does not', () => {
  const options = { keep: (file) => !file.endsWith('.test.ts') };
  const before = hashInputs(root, ['src'], options);
  write('src/a.test.ts', 'x');

  expect(hashInputs(root, ['src'], options)).toBe(before);
});

it('is fresh after a stamp for the same hash, as long as all outputs exist', () => {
  expect(isFresh(root, 'step', 'h', [])).toBe(false);
  writeStamp(root, 'step', 'h');

  expect(isFresh(root, 'step', 'h', ['src'])).toBe(true);
  expect(isFresh(root, 'step', 'other', ['src'])).toBe(false);
  expect(isFresh(root, 'step', 'h', ['src', 'out'])).toBe(false);
});
