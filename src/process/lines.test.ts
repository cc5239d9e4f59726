import { expect, test } from 'vitest';
import { LineSplitter } from './lines.js';

function linesOf(chunks: readonly string[], limit?: number): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => void lines.push(line), limit);
  for (const chunk of chunks) splitter.push(Buffer.from(chunk, 'latin1'));
  splitter.end();
  return lines;
}

test.each<[string, string[], string[]]>([
  ['several in one chunk', ['a\nb\n'], ['a', 'b']],
  ['one in several chunks', ['a', 'b', 'c\nd\n'], ['abc', 'd']],
  ['an unfinished last one', ['a\nb'], ['a', 'b']],
  ['empty ones', ['\n\n'], ['', '']],
  ['ends of a serial console', ['a\r\n', 'b\r\r\n'], ['a', 'b']],
  ['a character that a chunk cuts in two', ['\xe2\x80', '\x99\n'], ['’']],
])('%s', (_, chunks, lines) => {
  expect(linesOf(chunks)).toEqual(lines);
});

test('a line that does not end is handed out in pieces', () => {
  expect(linesOf(['abc', 'def', 'g\nh'], 4)).toEqual(['abcdef', 'g', 'h']);
});
