import { expect, test } from 'vitest';
import { UsageError } from '../errors.js';
import { wordsOf } from './words.js';

test.each<[string, string[]]>([
  ['', []],
  ['  run   mtrr ', ['run', 'mtrr']],
  ['run \'pat/*\' "a b"', ['run', 'pat/*', 'a b']],
  ["a'b c'd", ['ab cd']],
  ['a\\ b \\\\', ['a b', '\\']],
  ["'' x", ['', 'x']],
  ['"it\'s"', ["it's"]],
])('the words of %j', (line, words) => {
  expect(wordsOf(line)).toEqual(words);
});

test.each(["run 'pat/*", 'a "b', 'end\\'])('%j has a quote that is not closed', (line) => {
  expect(() => wordsOf(line)).toThrow(UsageError);
});
