import { expect, it } from 'vitest';
import { sentenceOf } from './errors.js';

it.each([
  [new Error('error: unknown option'), 'unknown option'],
  [new Error('one\n  two\n'), 'one two'],
  [new TypeError(''), 'TypeError'],
  ['a string', 'a string'],
  [new Error('no \u001b]0;x\u0007\u202e'), 'no \\x1b]0;x\\x07\\u202e'],
])('%s', (error, sentence) => {
  expect(sentenceOf(error)).toBe(sentence);
});
