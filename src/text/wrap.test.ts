import fc from 'fast-check';
import stringWidth from 'string-width';
import { expect, it } from 'vitest';
import { hang, textWidth, wrapLines } from './wrap.js';

it.each([
  [{ isTTY: true, columns: 132 }, { COLUMNS: '80' }, 132],
  [{ isTTY: true, columns: 0 }, {}, 80],
  [{ isTTY: true, columns: 20 }, {}, 40],
  [{}, {}, 80],
  [{ columns: 132 }, { COLUMNS: '100' }, 100],
  [{}, { COLUMNS: '0' }, 80],
  [{}, { COLUMNS: '-1' }, 80],
  [{}, { COLUMNS: 'wide' }, 80],
])('the width of %j with %j is %i', (stream, env, width) => {
  expect(textWidth(stream, env)).toBe(width);
});

const DIM = ['\u001b[2m', '\u001b[22m'] as const;
const dim = (text: string): string => DIM[0] + text + DIM[1];

it('puts what does not fit below the text, and colours do not count', () => {
  expect(hang('  pass x ', dim('12 leaves, 3 zaps, 4 kept, 5 msrs'), 40)).toBe(
    `  pass x ${dim('12 leaves, 3 zaps, 4 kept, 5')}\n         ${dim('msrs')}`,
  );
});

it('puts all text below where there is no room beside', () => {
  expect(hang('  pass a/scenario-of-a-long-name ', '12 leaves', 40)).toBe(
    '  pass a/scenario-of-a-long-name\n        12 leaves',
  );
});

it('leaves a word whole that is longer than a line', () => {
  const path = `/${'x'.repeat(60)}`;

  expect(hang('    ', `cannot read ${path} now`, 40)).toBe(`    cannot read\n    ${path}\n    now`);
});

it('keeps within the width and loses no word', () => {
  const word = fc
    .string({ minLength: 1, maxLength: 12, unit: 'grapheme-ascii' })
    .filter((w) => !/\s/.test(w));
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), fc.integer({ min: 40, max: 200 }), (words, width) => {
      const lines = hang('  pass name  ', words.join(' '), width).split('\n');

      expect(Math.max(...lines.map((line) => stringWidth(line.trimEnd())))).toBeLessThanOrEqual(width);
      expect(lines.join(' ').split(/\s+/).filter(Boolean)).toEqual(['pass', 'name', ...words]);
    }),
  );
});

it('wraps each line of a text at its own indentation, and leaves alone what fits', () => {
  const text = ['why', `  1. ${'word '.repeat(10).trim()}`, '  EPT        UC', ''].join('\n');

  expect(wrapLines(text, 40)).toBe(
    ['why', `  1. ${'word '.repeat(6)}word`, '  word word word', '  EPT        UC', ''].join('\n'),
  );
});
