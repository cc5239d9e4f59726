import { expect, test } from 'vitest';
import { allowedProcessors } from './cli.mjs';
import { killersOn, outcomeLine, rowsOf, summary, told, withTable } from './page.mjs';

const PAGE = 'before\n<!-- made by npm run mutation:kernel -->\nold\n<!-- end -->\nafter\n';
const KILLED = { state: 'killed', killers: ['a/1', 'a/2', 'a/3', 'a/4'] };

/** Results that know these outcomes by the mutant's name. */
const resultsOf = (outcomes) => ({ keyFor: () => 'key', current: (id) => outcomes[id] });
const NOTHING = resultsOf({});
const mutant = (id) => ({ id, kernel: '6.1', sentence: 'A | B.', text: '' });

test('outcomes in words', () => {
  expect(told(KILLED)).toBe('killed by a/1, a/2, a/3 and 1 more');
  expect(told({ state: 'survived', killers: [] })).toBe('survived');
  expect(told({ state: 'died', why: 'panic: oh' })).toBe('killed, the machine died (panic: oh)');
  expect(told({ state: 'not-built', why: 'x does not apply\n more' })).toBe(
    'does not apply or build: x does not apply',
  );
  expect(outcomeLine({ id: '6.1/a' }, { state: 'survived', buildSeconds: 2, runSeconds: 3 })).toBe(
    '6.1/a: survived (2 s to build, 3 s to run)',
  );
  expect(summary([KILLED, { state: 'survived' }, { state: 'not-built' }], 9.6)).toBe(
    '3 mutants: 1 killed, 1 survived, 1 could not be tried; 10 s',
  );
});

test('outcomes of random scenarios in words', () => {
  expect(told({ state: 'found', after: 14 })).toBe('found after 14');
  expect(told({ state: 'not-found', tried: 300 })).toBe('not found in 300');
  expect(summary([{ state: 'found' }, { state: 'not-found' }], 9.6)).toBe(
    '2 mutants: 1 found, 1 not found; 10 s',
  );
});

test('the table has what was found, and keeps what is not known anew', () => {
  const page = withTable(
    PAGE,
    rowsOf(
      PAGE,
      [mutant('6.1/a'), mutant('6.1/b')],
      [resultsOf({ '6.1/a': KILLED }), resultsOf({ '6.1/b': { state: 'found', after: 14 } })],
    ),
  );

  expect(page).toMatch(
    /\| `6\.1\/a` \| A \\\| B\. +\| killed by a\/1, a\/2, a\/3 and 1 more +\| not run +\|\n/,
  );
  expect(page).toMatch(/\| `6\.1\/b` \| A \\\| B\. +\| not run +\| found after 14 +\|\n/);
  expect(page).not.toContain('old');
  expect(withTable(page, rowsOf(page, [mutant('6.1/a'), mutant('6.1/b')], [NOTHING, NOTHING]))).toBe(page);
});

test('the killers that the page names', () => {
  const mutants = [mutant('6.1/a'), mutant('6.1/b'), mutant('6.1/c')];
  const outcomes = { '6.1/a': KILLED, '6.1/b': { state: 'killed', killers: ['b/1'] } };

  const page = withTable(PAGE, rowsOf(PAGE, mutants, [resultsOf(outcomes), NOTHING]));

  expect(mutants.map((one) => killersOn(page, one))).toEqual([['a/1', 'a/2', 'a/3'], ['b/1'], []]);
  expect(killersOn(page, { ...mutants[0], sentence: 'Another fault.' })).toEqual([]);
});

test('processors that we may run on', () => {
  expect(allowedProcessors('Name:\tx\nCpus_allowed_list:\t0-2,5\n')).toEqual([0, 1, 2, 5]);
});
