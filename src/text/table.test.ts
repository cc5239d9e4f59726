import { expect, it } from 'vitest';
import { describedTable, textTable } from './table.js';

it('aligns words to the left and numbers to the right, and cells may have several lines', () => {
  const rows = [
    ['kernel', 'zaps', 'model'],
    ['debian:6.1', '7', 'as expected\nin all'],
    ['x', '1234', ''],
  ];

  expect(textTable(rows, [1])).toBe(
    [
      'kernel      zaps  model',
      'debian:6.1     7  as expected',
      '                  in all',
      'x           1234',
      '',
    ].join('\n'),
  );
});

it('cuts nothing, however long a cell is', () => {
  expect(textTable([['x'.repeat(500), 'y']])).toBe(`${'x'.repeat(500)}  y\n`);
});

it('puts text beside names, in one column, wrapped to the width', () => {
  const rows = [
    ['a', 'one two three four five six seven'],
    ['größer', 'one'],
  ] as const;

  expect(describedTable(rows, 40)).toBe('a       one two three four five six\n        seven\ngrößer  one\n');
  expect(describedTable(rows, Number.POSITIVE_INFINITY).split('\n')[0]).toBe(
    'a       one two three four five six seven',
  );
});
