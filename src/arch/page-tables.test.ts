import { expect, test } from 'vitest';
import { buildPageTables, tablePages } from './page-tables.js';
import { PAGE_SIZE } from './units.js';

const BASE = 0x8000;

/** Walk tables at BASE as the processor does. */
function walk(tables: Uint8Array, va: bigint): { physical: bigint; flags: bigint } {
  const view = new DataView(tables.buffer);
  const entryOf = (table: bigint, shift: bigint): bigint => {
    const entry = view.getBigUint64(Number(table - BigInt(BASE) + ((va >> shift) & 511n) * 8n), true);
    if ((entry & 3n) !== 3n) throw new Error(`not present at shift ${shift}`);
    return entry;
  };
  const next = (entry: bigint): bigint => entry & ~0xfffn;
  const leaf = entryOf(next(entryOf(next(entryOf(BigInt(BASE), 39n)), 30n)), 21n);
  return { physical: (leaf & ~0x1fffffn) | (va & 0x1fffffn), flags: leaf & 0x1fffffn };
}

test('without windows the first 4 GiB are mapped one to one, and nothing else', () => {
  const tables = buildPageTables(BASE);

  expect(tables).toHaveLength(tablePages() * PAGE_SIZE);
  for (const va of [0n, 0x1234567n, 0x3fffffffn, 0x40000000n, 0xfedcba98n, 0xffffffffn])
    expect(walk(tables, va)).toEqual({ physical: va, flags: 0x83n });
  expect(() => walk(tables, 1n << 32n)).toThrow('not present at shift 30');
  expect(() => walk(tables, 1n << 39n)).toThrow('not present at shift 39');
});

test('each window has a place and leaves of its own', () => {
  const tables = buildPageTables(BASE, [
    { gib: 0, leafBits: 0 },
    { gib: 64, leafBits: 0x18 },
  ]);

  expect(tables).toHaveLength(tablePages(2) * PAGE_SIZE);
  expect(walk(tables, 0xc0001000n)).toEqual({ physical: 0xc0001000n, flags: 0x83n });
  expect(walk(tables, (64n << 30n) + 0xc0001000n)).toEqual({ physical: 0xc0001000n, flags: 0x9bn });
});
