import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const SRC = new URL('./', import.meta.url);
const DECLARED = /^export (?:abstract |async |declare )*(?:const|function|class|interface|type) (\w+)/gm;
const NAMED = /^export (?:type )?\{([^}]*)\}/gm;

const read = (file: string): string => readFileSync(new URL(file, SRC), 'utf8');

test('a name that the package exports has one meaning in all of src', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' });
  const modules = files.filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'));
  const declarations = modules.flatMap((file) => [...read(file).matchAll(DECLARED)].map(([, name]) => name));
  const lists = [...read('index.ts').matchAll(NAMED)].map(([, names]) => names as string);
  const names = lists.flatMap((list) => [...list.matchAll(/(?:type )?(\w+),?/g)].map(([, name]) => name));

  expect(names.length).toBeGreaterThan(150);
  expect(names.filter((name) => declarations.filter((one) => one === name).length !== 1)).toEqual([]);
});
