import { expect, it } from 'vitest';
import { safeJson, safeLine, safeText } from './safe.js';

/** Each row: what it is, what came in, what may be written. */
const UNSAFE: [string, string, string][] = [
  ['a colour', '\u001b[31mred', '\\x1b[31mred'],
  ['a window title', '\u001b]0;title\u0007', '\\x1b]0;title\\x07'],
  ['C1, which some terminals take for an escape', '\u009b2J', '\\x9b2J'],
  ['DEL', 'a\u007fb', 'a\\x7fb'],
  ['text that runs backwards', 'a\u202eb\u2066c', 'a\\u202eb\\u2066c'],
  ['signs without a width', 'a\u200bb\ufeffc\u{e0041}d', 'a\\u200bb\\ufeffc\\u{e0041}d'],
  ['half a pair', 'a\ud800b', 'a\\ud800b'],
  ['other line ends', 'a\u2028b\u0085c', 'a\\u2028b\\x85c'],
  ['a tab', 'a\tb', 'a b'],
];

it.each(UNSAFE)('shows %s', (_, text, safe) => {
  expect([safeLine(text), safeText(text)]).toEqual([safe, safe]);
});

it('leaves ordinary text as it is', () => {
  const text = 'Linux 6.1, größer, 日本語, 😀 \\x1b';

  expect(safeText(text)).toBe(text);
});

it('keeps line ends in text, and makes one line of a line', () => {
  expect(safeText('a\nb\r\nc')).toBe('a\nb\nc');
  expect(safeLine('a\nb\r\nc')).toBe('a b c');
});

it('writes JSON that says the same and holds nothing that a terminal acts on', () => {
  const value = { text: UNSAFE.map(([, text]) => text).join('\n') };

  const json = safeJson(JSON.stringify(value, null, 2));

  expect(JSON.parse(json)).toEqual(value);
  expect(json).not.toMatch(/[^\P{Cc}\n]|\p{Cf}|\p{Cs}|[\u2028\u2029]/u);
});
