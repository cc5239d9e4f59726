import { expect, test } from 'vitest';
import { zapTable } from './zap-table.js';

const result = (vcpus: number, mismatches: string[] = []) => ({
  ...{ vcpus, mib: 64, ranges: [], bootZaps: 7, otherZaps: 4 * (vcpus - 1), ns: 1_234_567, mismatches },
});
const sets = [
  { name: 'debian:6.1', set: { release: '6.1.192', policy: 'A', results: [result(1), result(8)] } },
  {
    name: `/home/me/${'build/'.repeat(20)}bzImage`,
    set: { release: '7.2', policy: 'E', results: [result(2, ['expected 0 zaps, seen 7 '.repeat(5)])] },
  },
];

test.each([70, 80, 132])('keeps to %i columns, and a long name to its end', (width) => {
  const lines = zapTable(sets, width).split('\n');

  expect(lines.filter((line) => line.length > width && !line.includes('build/build/'))).toEqual([]);
  expect(lines.some((line) => /^….*bzImage +2 +64 +11 +7 +4 +1\.23 +DIFFERS$/.test(line))).toBe(true);
  expect(lines.some((line) => /^debian:6\.1 +8 +64 +35 +7 +4 +1\.23 +as expected$/.test(line))).toBe(true);
});
