import { expect, test } from 'vitest';
import { hugeBytes, hugeRam, UnmetNeedError } from '../../src/agent/huge-ram.js';

const MIB = 2 ** 20;

test('memory that is huge is taken', () => {
  const before = hugeBytes();

  const memory = hugeRam(4 * MIB);

  expect(hugeBytes()).toBe((before ?? 0) + 4 * MIB);
  memory.close();
  expect(hugeBytes()).toBe(before);
});

test('memory in small pages is a need that the host does not meet', () => {
  const counts = [6 * MIB, 8 * MIB];

  const act = () => hugeRam(4 * MIB, () => counts.shift());

  expect(act).toThrow(UnmetNeedError);
  expect(act).not.toThrow(); // this host does not tell: counts are undefined
});

test('the reason tells how many huge pages there were', () => {
  const counts = [6 * MIB, 8 * MIB];

  expect(() => hugeRam(4 * MIB, () => counts.shift())).toThrow(
    'this host gave 1 of 2 transparent huge pages: its memory is in pieces',
  );
});
