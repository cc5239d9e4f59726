import { expect, test } from 'vitest';
import { type Policy, policies } from '../memtype/index.js';
import type { ZapMeasurement } from '../recording/zaps.js';
import { expectedZaps } from './expected-zaps.js';
import { judgeZaps } from './zap-judge.js';

const A = policies.get('A') as Policy;

const measured = (vcpus: number): ZapMeasurement => ({
  vcpus,
  mib: 16,
  calls: expectedZaps(A, vcpus).map((ranges) =>
    ranges.map(({ start, end }) => ({ start: BigInt(start), end: BigInt(end), ns: 1000 })),
  ),
});

test('zaps as the model has them are counted and timed', () => {
  expect(judgeZaps(measured(2), A)).toEqual({
    vcpus: 2,
    mib: 16,
    bootZaps: 7,
    otherZaps: 4,
    ns: 11_000,
    mismatches: [],
  });
});

test('a zap too few is told with its processor', () => {
  const few = measured(2);
  few.calls[1]?.pop();

  expect(judgeZaps(few, A).mismatches).toEqual([expect.stringMatching(/^vCPU 1: expected zaps of \[0x0, /)]);
});

test('the zaps of another policy are mismatches', () => {
  expect(judgeZaps(measured(2), policies.get('A+P2') as Policy).mismatches).toHaveLength(1);
});
