import { describe, expect, test } from 'vitest';
import { parseElf } from './elf.js';

/** A small ELF: one PT_LOAD of 4 bytes, one PT_NOTE holding a PVH entry note. */
function elf(bits: 32 | 64, machine = 62): Uint8Array {
  const file = new Uint8Array(0x200);
  const v = new DataView(file.buffer);
  const is64 = bits === 64;
  const word = (at: number, value: number) =>
    is64 ? v.setBigUint64(at, BigInt(value), true) : v.setUint32(at, value, true);
  v.setUint32(0, 0x7f454c46);
  file.set([is64 ? 2 : 1, 1, 1], 4);
  v.setUint16(18, machine, true);
  word(24, 0x100004);
  const phoff = is64 ? 64 : 52;
  const phsize = is64 ? 56 : 32;
  word(is64 ? 32 : 28, phoff);
  v.setUint16(is64 ? 54 : 42, phsize, true);
  v.setUint16(is64 ? 56 : 44, 2, true);
  const ph = (i: number, type: number, offset: number, paddr: number, filesz: number, memsz: number) => {
    const at = phoff + i * phsize;
    v.setUint32(at, type, true);
    word(at + (is64 ? 8 : 4), offset);
    word(at + (is64 ? 24 : 12), paddr);
    word(at + (is64 ? 32 : 16), filesz);
    word(at + (is64 ? 40 : 20), memsz);
  };
  ph(0, 1, 0x100, 0x100000, 4, 0x1000);
  ph(1, 4, 0x140, 0, 20, 20);
  file.set([1, 2, 3, 4], 0x100);
  v.setUint32(0x140, 4, true);
  v.setUint32(0x144, 4, true);
  v.setUint32(0x148, 18, true);
  file.set([...Buffer.from('Xen\0')], 0x14c);
  v.setUint32(0x150, 0x100020, true);
  return file;
}

describe('parseElf', () => {
  test.each([32, 64] as const)('reads a %i-bit file', (bits) => {
    const image = parseElf(elf(bits, bits === 32 ? 3 : 62));

    expect(image).toMatchObject({ bits, entry: 0x100004n });
    expect(image.segments).toEqual([
      expect.objectContaining({
        physical: 0x100000,
        memorySize: 0x1000,
        data: new Uint8Array([1, 2, 3, 4]),
      }),
    ]);
    expect(image.notes).toEqual([{ name: 'Xen', type: 18, desc: new Uint8Array([0x20, 0, 0x10, 0]) }]);
  });

  test.each<[string, (file: Uint8Array) => Uint8Array]>([
    ['an empty file', () => new Uint8Array(0)],
    ['a text', () => new Uint8Array(100).fill(0x20)],
    ['a truncated file', (f) => f.subarray(0, 0x50)],
    ['a segment outside the file', (f) => f.subarray(0, 0x102)],
    ['another machine', () => elf(64, 183)],
    ['big endian', (f) => f.fill(2, 5, 6)],
    ['no segment', (f) => f.fill(0, 56, 58)],
  ])('%s is refused', (_, spoil) => {
    expect(() => parseElf(spoil(elf(64)))).toThrow(expect.objectContaining({ code: 'ELF_INVALID' }));
  });

  // The cases of sizes that are negative, or wrap round, as numbers of 32 bits with a sign.
  test.each([
    [0xfffffff4, 0],
    [0x80000000, 0],
    [4, 0x80000000],
    [4, 0xfffffff0],
    [0xffffffe0, 0x14],
    [0xffffffff, 0xffffffff],
  ])('a note with a name of 0x%x and a description of 0x%x bytes is none', (nameSize, descSize) => {
    const file = elf(64);
    const view = new DataView(file.buffer);
    view.setUint32(0x140, nameSize, true);
    view.setUint32(0x144, descSize, true);

    expect(parseElf(file).notes).toEqual([]);
  });

  test('many headers of the same notes are refused', () => {
    const file = new Uint8Array(2 ** 18);
    file.set(elf(64));
    const view = new DataView(file.buffer);
    view.setUint16(56, 1000, true);
    for (let i = 1; i < 1000; i++) {
      const header = 64 + i * 56;
      view.setUint32(header, 4, true);
      view.setBigUint64(header + 8, 0x10000n, true);
      view.setBigUint64(header + 32, 0x20000n, true);
    }
    file.copyWithin(0x3f000, 0x100, 0x104);
    view.setBigUint64(64 + 8, 0x3f000n, true);

    expect(() => parseElf(file)).toThrow('the ELF notes overlap');
  });
});
