import { expect, test } from 'vitest';
import { decodeLeaf } from './spte.js';

// Rows from live kernels and from the kernel's special values: name, entry, level, expected leaf.
const CASES = [
  ['WB with IPAT', 0x600000010a400b77n | 0x800n, 1, { type: 6, ipat: true, writable: true }],
  ['UC without IPAT', 0x807n, 1, { type: 0, ipat: false, writable: true }],
  ['WC without IPAT', 0x80fn, 1, { type: 1, ipat: false, writable: true }],
  ['WP without IPAT', 0x82fn, 1, { type: 5, ipat: false, writable: true }],
  ['access-tracked, RWX clear', 0x870n, 1, { type: 6, ipat: true, writable: false }],
  ['2M leaf', 0x8f7n, 2, { type: 6, ipat: true, writable: true }],
  ['2M table', 0x807n, 2, undefined],
  ['empty', 0n, 1, undefined],
  ['suppress #VE only', 1n << 63n, 1, undefined],
  ['frozen on 6.1', 0x5a0n, 1, undefined],
  ['frozen on 7.2', 0x1a0n | (1n << 63n), 1, undefined],
] as const;

const MMIO = 3n << 52n;

// Entries of 5.10: bit 10 is the host's permission to write, bit 11 the MMU's.
test.each([
  ['a leaf', 0xc77n, 1, { type: 6, ipat: true, writable: true }],
  ['a leaf that nobody may write', 0x475n, 1, { type: 6, ipat: true, writable: false }],
  ['a huge leaf', 0xcf7n, 2, { type: 6, ipat: true, writable: true }],
  ['a table', 0x107n, 2, undefined],
  ['nothing', 0n, 1, undefined],
  ['emulated MMIO whose generation has bit 11', MMIO | 0x806n, 1, undefined],
] as const)('an entry without a bit for presence: %s', (_name, spte, level, expected) => {
  expect(decodeLeaf(spte, level, 'unmarked')).toEqual(expected);
});

test.each(CASES)('%s', (_name, spte, level, expected) => {
  expect(decodeLeaf(spte, level)).toEqual(expected);
});
