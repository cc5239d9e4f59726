import { expect, test } from 'vitest';
import { compare, count, isSame, judge, type Run } from './compare.js';

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

test('a bare PASS is a verdict', () => {
  expect(compare(run('PASS'), run('PASS')).same).toBe(1);
});

test.each([
  ['the same verdicts and the same end', run('PASS: one'), 'same'],
  ['another verdict', run('FAIL: one'), 'different'],
  ['another status', { ...run('PASS: one'), status: 3 }, 'different'],
  ['no end', { ...run('PASS: one'), status: null }, 'different'],
])('%s', (_what, second, expected) => {
  const first = run('PASS: one');

  expect(isSame(first, second) ? 'same' : 'different').toBe(expected);
});

test('two runs without an end have shown nothing', () => {
  const endless = { ...run(), status: null };

  expect(isSame(endless, endless)).toBe(false);
});

test.each([
  ['a difference without a reason', run('PASS: one', 'PASS: two'), {}, 'DIFFERENT'],
  [
    'QEMU falls short, and all passes as our guest',
    run('PASS: one', 'PASS: two'),
    { qemu: 'why' },
    'explained: why',
  ],
  ['QEMU falls short, but something fails as our guest', run('FAIL: two'), { qemu: 'why' }, 'DIFFERENT'],
  ['QEMU falls short, but our guest does not end', { ...run(), status: null }, { qemu: 'why' }, 'DIFFERENT'],
  ['our machine lacks it', { ...run('FAIL: two'), status: 3 }, { ours: 'why' }, 'explained: why'],
  ['nothing differs, whatever the reason', run('PASS: one'), { qemu: 'why' }, 'same'],
])('%s', (_what, ours, reasons, expected) => {
  expect(judge(run('PASS: one'), ours, reasons)).toBe(expected);
});

test('verdicts are counted by kind', () => {
  const mixed = run('PASS: a', 'SKIP: b', 'PASS: c');

  expect([count(mixed, 'PASS'), count(mixed, 'FAIL'), count(mixed, 'SKIP')]).toEqual([2, 0, 1]);
});
