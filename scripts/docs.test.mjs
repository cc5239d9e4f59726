import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const PAGES = ['README.md', ...readdirSync(join(ROOT, 'docs')).map((name) => `docs/${name}`)];
/** A path into the repository between backticks: the folder of a `*` is what must be there. */
const PATH = /`((?:src|test|scripts|guests|native|docs|bench|examples|kernels)\/[\w./-]*)/g;

it.each(PAGES.filter((page) => page.endsWith('.md')))('%s names only files that are there', (page) => {
  const paths = [...readFileSync(join(ROOT, page), 'utf8').matchAll(PATH)].map(([, path]) => path);

  expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
