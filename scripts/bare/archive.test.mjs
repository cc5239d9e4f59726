import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { archivePath, isWhole } from './archive.mjs';

let folder;
let archive;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'archive-'));
  archive = join(folder, 'trixie-0.tar.gz');
  writeFileSync(archive, gzipSync(Buffer.alloc(100_000, 'Debian')));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('is named by its release and what goes into it', () => {
  const path = archivePath(folder, 'trixie', 'URIs: http://a/');

  expect(path).toMatch(/\/trixie-[0-9a-f]{16}\.tar\.gz$/);
  expect(archivePath(folder, 'trixie', 'URIs: http://a/')).toBe(path);
  expect(archivePath(folder, 'trixie', 'URIs: http://b/')).not.toBe(path);
});

it.each([
  ['as it was made', () => {}, true],
  ['missing', () => rmSync(archive), false],
  ['cut off', () => truncateSync(archive, readFileSync(archive).length - 9), false],
  ['empty', () => truncateSync(archive, 0), false],
  [
    'changed',
    () => {
      const bytes = readFileSync(archive);
      bytes[bytes.length - 6] ^= 1;
      writeFileSync(archive, bytes);
    },
    false,
  ],
  ['followed by something else', () => appendFileSync(archive, 'x'), false],
])('that is %s is taken for what it is', async (_, change, expected) => {
  change();

  expect(await isWhole(archive, folder)).toBe(expected);
});
