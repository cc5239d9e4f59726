import { expect, test } from 'vitest';
import { compare, count, type Run } from './compare.js';

const run = (...lines: string[]): Run => ({ status: 1, lines });

test('verdicts are compared, whatever lies between them', () => {
  const first = run('enabling apic', 'PASS: one', 'FAIL: two', 'SUMMARY: 2 tests');
  const second = run('FAIL: two', 'cr0 = 80010011', 'PASS: one\r');

  expect(compare(first, second)).toEqual({ same: 1, onlyFirst: [], onlySecond: [] });
});

test('times and addresses in a verdict are no difference', () => {
  const first = run('PASS: took 35 ms at 0xfee00000', 'PASS: avg 1.5 ns');
  const second = run('PASS: took 7 ms at 0x1000', 'PASS: avg 20 ns');

  expect(compare(first, second)).toEqual({ same: 2, onlyFirst: [], onlySecond: [] });
});

test('another verdict, a missing one and one that came less often are differences', () => {
  const first = run('PASS: one', 'PASS: twice', 'PASS: twice', 'PASS: three');
  const second = run('FAIL: one', 'PASS: twice', 'PASS: three', 'PASS: four');

  expect(compare(first, second)).toEqual({
    same: 2,
    onlyFirst: ['PASS: one', 'PASS: twice'],
    onlySecond: ['FAIL: one', 'PASS: four'],
  });
});

test('a word that only begins like a verdict is none', () => {
  expect(compare(run('PASSED', 'no PASS: here'), run())).toEqual({ same: 0, onlyFirst: [], onlySecond: [] });
});

test('verdicts are counted by kind', () => {
  const mixed = run('PASS: a', 'SKIP: b', 'PASS: c');

  expect([count(mixed, 'PASS'), count(mixed, 'FAIL'), count(mixed, 'SKIP')]).toEqual([2, 0, 1]);
});
