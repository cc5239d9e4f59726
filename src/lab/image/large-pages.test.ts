import { expect, test } from 'vitest';
import { tryParseElf } from '../../formats/elf.js';
import { alignForLargePages } from './large-pages.js';

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const EM_X86_64 = 62;
const LARGE = 0x200000;

/** An ELF file with the program headers given, its bytes numbered so that content can be told. */
function elf(
  size: number,
  headers: { type: number; offset: number; address: number; size: number }[],
): Buffer {
  const file = Buffer.from(Array.from({ length: size }, (_, index) => (index >> 4) & 0xff));
  file.fill(0, 0, 64);
  file.write('7f454c460201', 'hex');
  file.writeUInt16LE(EM_X86_64, 18);
  file.writeBigUInt64LE(0x401000n, 24);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(headers.length, 56);
  for (const [index, header] of headers.entries()) {
    const at = 64 + index * 56;
    file.writeUInt32LE(header.type, at);
    for (const [field, value] of [
      header.offset,
      header.address,
      header.address,
      header.size,
      header.size,
    ].entries())
      file.writeBigUInt64LE(BigInt(value), at + 8 + field * 8);
  }
  return file;
}

const PROGRAM = [
  { type: PT_LOAD, offset: 0, address: 0x400000, size: 0x1000 },
  { type: PT_LOAD, offset: 0x1000, address: 0x601000, size: 0x800 },
  { type: PT_LOAD, offset: 0x1800, address: 0xc01800, size: 0x400 },
  { type: PT_DYNAMIC, offset: 0x1900, address: 0xc01900, size: 0x100 },
];

test('segments keep their content and get offsets that agree with their addresses', () => {
  const file = elf(0x2000, PROGRAM);
  const moved = alignForLargePages(file);
  const before = tryParseElf(file)?.segments ?? [];
  const after = tryParseElf(moved)?.segments ?? [];
  expect(after).toHaveLength(3);
  for (const [index, segment] of after.entries()) {
    const from = before[index]?.offset ?? -1;
    expect(segment.offset % LARGE).toBe(segment.virtual % LARGE);
    // The first holds the headers, which change.
    const skip = index === 0 ? 0x400 : 0;
    expect(moved.subarray(segment.offset + skip, segment.offset + segment.fileSize)).toEqual(
      file.subarray(from + skip, from + segment.fileSize),
    );
  }
  const dynamicOffset = Number(moved.readBigUInt64LE(64 + 3 * 56 + 8));
  expect(dynamicOffset - (after[2]?.offset ?? 0)).toBe(0x100);
});

test('what cannot be moved stays as it is', () => {
  const script = Buffer.from('#!/bin/sh\n');
  const headless = elf(0x2000, [{ type: PT_LOAD, offset: 0x1000, address: 0x401000, size: 0x100 }]);
  expect(alignForLargePages(script)).toBe(script);
  expect(alignForLargePages(headless)).toBe(headless);
});

test('a file whose segments are not all there has none', () => {
  expect(tryParseElf(elf(0x1000, PROGRAM))).toBeUndefined();
  expect(tryParseElf(Buffer.from('no ELF'))).toBeUndefined();
});
