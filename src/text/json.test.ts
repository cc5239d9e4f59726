import { expect, it, test } from 'vitest';
import { jsonPieces } from './json.js';

const range = (count: number): object[] =>
  Array.from({ length: count }, (_, i) => ({ i, texts: ['a\nb', '[', '0'], none: undefined, empty: [] }));

test.each([0, 1, 255, 256, 257, 1000])('an array of %i is as JSON.stringify has it', (count) => {
  const value = (long: unknown) => ({
    a: 1,
    sets: [
      { name: 'x', long },
      { long, more: 2 },
    ],
    end: long,
  });

  const pieces = [...jsonPieces((hold) => value(() => hold(range(count))))];

  expect(pieces.join('')).toBe(
    JSON.stringify(
      value(() => range(count)),
      null,
      2,
    ),
  );
});

it('several arrays stand in the order in which they were held, each where it was', () => {
  const text = [...jsonPieces((hold) => ({ sets: [{ a: hold([1]) }, { a: hold([2, 3]) }], b: hold([[4]]) }))];

  expect(JSON.parse(text.join(''))).toEqual({ sets: [{ a: [1] }, { a: [2, 3] }], b: [[4]] });
});

it('elements are asked for one piece at a time, and no piece holds very many', () => {
  let asked = 0;
  const endless = function* () {
    for (;;) yield { n: asked++, text: 'x'.repeat(1000) };
  };

  const pieces = jsonPieces((hold) => ({ tests: hold(endless()) }));
  const some = Array.from({ length: 10 }, () => pieces.next().value as string);

  expect(asked).toBeLessThan(10_000);
  for (const piece of some) expect(piece.length).toBeLessThan(1 << 20);
});

it('what is not safe is escaped in every piece', () => {
  const text = [...jsonPieces((hold) => ({ a: '\u009b', long: hold(['\u202e', 'ä']) }))].join('');

  expect(text).not.toMatch(/[\u009b\u202e]/);
  expect(JSON.parse(text)).toEqual({ a: '\u009b', long: ['\u202e', 'ä'] });
});
