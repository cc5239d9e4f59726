import { expect, test } from 'vitest';
import { HugeRam, hugePagesAt, hugeRam, UnmetNeedError } from '../../src/agent/memory/huge-ram.js';
import { HostMemory } from '../../src/kvm/index.js';

const MIB = 2 ** 20;

test('memory that is huge is taken', () => {
  const memory = hugeRam(4 * MIB);

  expect(hugePagesAt(memory.address, 2)).toBe(2);
  memory.close();
});

test('memory in small pages, or in none, is not huge', () => {
  const small = HostMemory.memfd(4 * MIB, { align: 2 * MIB, populate: true });
  const absent = HostMemory.anonymous(4 * MIB, { align: 2 * MIB, thp: true });

  expect([small, absent].map(({ address }) => hugePagesAt(address, 2))).toEqual([0, 0]);
});

test('memory in small pages is a need that the host does not meet', () => {
  const counts = [1];

  const act = () => hugeRam(4 * MIB, () => counts.shift());

  expect(act).toThrow(UnmetNeedError);
  expect(act).not.toThrow(); // this host does not tell: the count is undefined
});

test('the reason tells how many huge pages there were', () => {
  expect(() => hugeRam(4 * MIB, () => 1)).toThrow(
    'this host gave 1 of 2 transparent huge pages: its memory is in pieces',
  );
});

test('one scenario after another gets the same memory, until the host has taken it apart', () => {
  const counts = [2, 2, 1];
  using ram = new HugeRam(4 * MIB, () => counts.shift());

  const [first, second, third] = [ram.memory(), ram.memory(), ram.memory()];

  expect(second).toBe(first);
  expect(third).not.toBe(first);
  expect(() => first.size).toThrow('closed');
});
