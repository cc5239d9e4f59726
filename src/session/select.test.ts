import fc from 'fast-check';
import { expect, it } from 'vitest';
import { catalogue } from '../catalogue/index.js';
import { SelectError, selectScenarios } from './select.js';

const select = (...patterns: string[]): string[] =>
  selectScenarios(catalogue, patterns).map(({ name }) => name);
const named = (fits: (name: string) => boolean): string[] => catalogue.map(({ name }) => name).filter(fits);

it.each<[string, (name: string) => boolean]>([
  ['*', () => true],
  ['**', () => true],
  ['*'.repeat(60), () => true],
  ['mtrr', (name) => name.startsWith('mtrr/')],
  ['m*r', (name) => /^m.*r(\/|$)/.test(name)],
  ['mtrr/*', (name) => name.startsWith('mtrr/')],
  ['mtrr/**', (name) => name.startsWith('mtrr/')],
  ['*-mtrr', (name) => name.endsWith('-mtrr')],
  ['*/probe', (name) => name.endsWith('/probe')],
  ['vcpus/disagree-*', (name) => name.startsWith('vcpus/disagree-')],
  ['ram/default', (name) => name === 'ram/default'],
])('%s selects by name, by part and by family', (pattern, fits) => {
  expect(select(pattern)).toEqual(named(fits));
});

it.each([
  'no/such',
  'mtrr/',
  '/',
  '',
  'MTRR',
  `${'*'.repeat(60)}!`,
  '*?'.repeat(30),
  '(a+)+',
  '{mtrr,pat}',
  '[a-z]*',
  '!mtrr',
  'mtrr.*',
  './*',
])('%s selects nothing, and says so', (pattern) => {
  expect(() => select(pattern)).toThrow(SelectError);
});

it('takes as long as the names are, whatever the pattern is', () => {
  const glob = fc.array(fc.constantFrom('*', 'a', 'e', '-', '/', 'r', '.', '?'), { maxLength: 80 });
  fc.assert(
    fc.property(glob, (signs) => {
      const pattern = signs.join('');
      const regex = new RegExp(
        `^${pattern.replace(/\*+/g, '*').replace(/[.?]/g, '\\$&').replaceAll('*', '[^]*?')}$`,
      );
      const fits = named((name) => regex.test(name) || regex.test(name.slice(0, name.indexOf('/'))));
      if (fits.length === 0) expect(() => select(pattern)).toThrow(SelectError);
      else expect(select(pattern)).toEqual(fits);
    }),
  );
});
