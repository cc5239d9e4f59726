import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

// Holds what docs/architecture.md says of sizes: small files with one reason to change, folders that can be seen at a glance.

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['bench', 'bin', 'examples', 'guests', 'native', 'scripts', 'src', 'test'];
const MAX_LINES = 300;
const MAX_MODULES = 15;

/** Files that may be longer, each with the reason: a table, which would not be easier to read in two. */
const LONG = new Map([]);

const CODE = /\.(c|cc|h|S|ts|mjs|cjs|js|sh)$/;
/** What a folder is counted by: a header goes with its source. */
const MODULE = /\.(c|cc|S|ts|mjs)$/;
const TEST = /\.test\.(ts|mjs)$/;

/** What is too large of `files`, which maps paths to lines: a sentence each. */
function tooLarge(files) {
  const code = [...files].filter(([path]) => CODE.test(path) && !TEST.test(path));
  const long = code.filter(([path, lines]) => lines > MAX_LINES && !LONG.has(path));
  const modules = new Map();
  for (const [path] of code) {
    if (!MODULE.test(path) || path.startsWith('test/')) continue;
    modules.set(dirname(path), (modules.get(dirname(path)) ?? 0) + 1);
  }
  return [
    ...long.map(([path, lines]) => `${path} has ${lines} lines, over ${MAX_LINES}`),
    ...[...modules]
      .filter(([, count]) => count > MAX_MODULES)
      .map(([folder, count]) => `${folder}/ has ${count} modules, over ${MAX_MODULES}`),
  ];
}

const linesOf = (path) => readFileSync(join(ROOT, path), 'utf8').split('\n').length - 1;

function readAll() {
  const paths = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && CODE.test(basename(entry.name)))
      .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length)),
  );
  return new Map(paths.map((path) => [path, linesOf(path)]));
}

test('no file and no folder is too large', () => {
  const files = readAll();

  expect(tooLarge(files)).toEqual([]);
  expect(files.size).toBeGreaterThan(400);
  for (const path of LONG.keys())
    expect(files.get(path), `${path} need not be excepted`).toBeGreaterThan(MAX_LINES);
});

test('what is too large is told, tests and headers aside', () => {
  const folder = (name, ext, count) => Array.from({ length: count }, (_, i) => [`${name}/${i}${ext}`, 1]);

  expect(
    tooLarge([
      ['src/a/long.ts', 301],
      ['src/a/full.ts', 300],
      ['src/a/long.test.ts', 500],
      ...folder('src/b', '.ts', 16),
      ...folder('src/c', '.ts', 15),
      ...folder('src/c', '.test.ts', 15),
      ...folder('native', '.cc', 15),
      ...folder('native', '.h', 15),
    ]),
  ).toEqual(['src/a/long.ts has 301 lines, over 300', 'src/b/ has 16 modules, over 15']);
});
