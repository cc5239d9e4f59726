import { expect, it } from 'vitest';
import { sentenceOf } from './errors.js';

it.each([
  [new Error('error: unknown option'), 'unknown option'],
  [new Error('one\n  two\n'), 'one two'],
  [new TypeError(''), 'TypeError'],
  ['a string', 'a string'],
])('%s', (error, sentence) => {
  expect(sentenceOf(error)).toBe(sentence);
});
