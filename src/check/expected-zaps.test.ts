import { expect, test } from 'vitest';
import { type Policy, policies } from '../memtype/index.js';
import { expectedZaps } from './expected-zaps.js';

const count = (name: string, vcpus: number): number[] =>
  expectedZaps(policies.get(name) as Policy, vcpus).map((zaps) => zaps.length);

// Firmware zaps twice (off, on), Linux twice; the boot processor's own fixed write, base and mask once each (update_mtrr()).
test('in era A every processor zaps, the boot processor more', () => {
  expect(count('A', 4)).toEqual([7, 4, 4, 4]);
});

test('with one MTRR state per VM only the boot processor zaps', () => {
  expect(count('A+P2', 4)).toEqual([7, 0, 0, 0]);
});

test('from 6.11 on nobody zaps', () => {
  expect(count('D', 2)).toEqual([0, 0]);
  expect(count('E', 2)).toEqual([0, 0]);
});
