import { describe, expect, test } from 'vitest';
import { isBzImage } from '../../formats/bzimage.js';
import { loadBzImage } from './bzimage.js';
import { loadElf } from './elf-boot.js';
import { loadFlat } from './flat.js';
import { GuestRam, PLACES } from './ram.js';

const MIB = 2 ** 20;
const IMAGE_ERROR = expect.objectContaining({ code: 'VMM_GUEST_IMAGE' });
const newRam = (size = 64 * MIB) => new GuestRam(new ArrayBuffer(size), size);
const initrd = new Uint8Array([1, 2, 3]);

function textAt(ram: GuestRam, gpa: number): string {
  return Buffer.from(ram.bytes.subarray(gpa, ram.bytes.indexOf(0, gpa))).toString();
}

/** A 32-bit ELF with one segment at 1 MiB; its first bytes are a multiboot header, a PVH note, or neither. */
function kernel(kind: 'multiboot' | 'pvh' | 'neither'): Uint8Array {
  const file = new Uint8Array(0x1000);
  const v = new DataView(file.buffer);
  v.setUint32(0, 0x7f454c46);
  file.set([1, 1, 1], 4);
  v.setUint16(18, 3, true);
  for (const [at, value] of [
    [24, 0x100040],
    [28, 52],
  ] as const) {
    v.setUint32(at, value, true);
  }
  v.setUint16(42, 32, true);
  v.setUint16(44, 2, true);
  const words = (at: number, values: number[]) => {
    values.forEach((value, i) => {
      v.setUint32(at + i * 4, value, true);
    });
  };
  words(52, [1, 0x200, 0x100000, 0x100000, 0x100, 0x2000]);
  words(84, [4, 0x300, 0, 0, 20, 20]);
  if (kind === 'multiboot') words(0x200, [0x1badb002, 3, -(0x1badb002 + 3) >>> 0]);
  if (kind === 'pvh') words(0x300, [4, 4, 18, 0x006e6558, 0x100080]);
  return file;
}

describe('ELF', () => {
  test('multiboot: EAX and EBX, command line, memory map, module', () => {
    const ram = newRam();

    const entry = loadElf(ram, kernel('multiboot'), { cmdline: 'a b', initrd });

    expect(entry).toEqual({
      mode: 'protected',
      rip: 0x100040,
      regs: { rax: 0x2badb002, rbx: PLACES.info },
    });
    const word = (offset: number) => ram.view.getUint32(PLACES.info + offset, true);
    expect(word(0)).toBe(0x4d);
    expect(word(8)).toBe(63 * 1024);
    expect(textAt(ram, word(16))).toBe('a b');
    expect(word(20)).toBe(1);
    const start = ram.view.getUint32(word(24), true);
    const end = ram.view.getUint32(word(24) + 4, true);
    expect(start).toBe(0x102000);
    expect([...ram.bytes.subarray(start, end)]).toEqual([1, 2, 3]);
    const last = word(48) + word(44) - 24;
    expect(ram.view.getBigUint64(last + 4, true)).toBe(0x100000n);
    expect(ram.view.getBigUint64(last + 12, true)).toBe(63n * 0x100000n);
  });

  test('PVH: EBX, command line, memory map, module', () => {
    const ram = newRam();

    const entry = loadElf(ram, kernel('pvh'), { cmdline: 'x', initrd, rsdp: 0xe0000 });

    expect(entry).toEqual({ mode: 'protected', rip: 0x100080, regs: { rbx: PLACES.info } });
    expect(ram.view.getUint32(PLACES.info, true)).toBe(0x336ec578);
    const at = (offset: number) => Number(ram.view.getBigUint64(PLACES.info + offset, true));
    expect(textAt(ram, at(24))).toBe('x');
    expect(at(32)).toBe(0xe0000);
    expect(ram.view.getBigUint64(at(16), true)).toBe(0x102000n);
    expect(ram.view.getBigUint64(at(16) + 8, true)).toBe(3n);
    expect(ram.view.getUint32(PLACES.info + 48, true)).toBe(4);
  });

  test.each(['multiboot', 'pvh'] as const)(
    '%s: page 2, where test programs keep what lasts over a reset, stays zero',
    (kind) => {
      const ram = newRam();

      loadElf(ram, kernel(kind), { cmdline: 'a b', initrd });

      expect(ram.bytes.subarray(0x2000, 0x3000).some((byte) => byte !== 0)).toBe(false);
    },
  );

  test('an ELF with neither entry, or one that does not fit, is refused', () => {
    expect(() => loadElf(newRam(), kernel('neither'), { cmdline: '' })).toThrow(IMAGE_ERROR);
    expect(() => loadElf(newRam(MIB), kernel('pvh'), { cmdline: '' })).toThrow(IMAGE_ERROR);
    expect(() => loadElf(newRam(), kernel('pvh'), { cmdline: 'x'.repeat(70000) })).toThrow(IMAGE_ERROR);
  });
});

test('many headers of the same large segment are refused', () => {
  const file = kernel('multiboot');
  const view = new DataView(file.buffer);
  view.setUint16(44, 10, true);
  for (let i = 0; i < 10; i++)
    [1, 0x200, 0x100000, 0x100000, 0x10, 32 * MIB].forEach((value, word) => {
      view.setUint32(52 + i * 32 + word * 4, value, true);
    });

  expect(() => loadElf(newRam(), file, { cmdline: '' })).toThrow(
    'the ELF segments need 335544320 bytes of RAM',
  );
});

function bzImage(): Uint8Array {
  const file = new Uint8Array(0x2000).fill(0x90, 0x400);
  const v = new DataView(file.buffer);
  file[0x1f1] = 1;
  v.setUint16(0x1fe, 0xaa55, true);
  file[0x201] = 0x6a;
  v.setUint32(0x202, 0x53726448, true);
  v.setUint16(0x206, 0x20f, true);
  v.setUint32(0x22c, 0x7fffffff, true);
  v.setUint16(0x236, 1, true);
  v.setUint32(0x238, 16, true);
  v.setBigUint64(0x258, 0x1000000n, true);
  v.setUint32(0x260, 0x100000, true);
  return file;
}

describe('bzImage', () => {
  test('kernel, zero page, command line, initrd and tables are where the protocol wants them', () => {
    const ram = newRam();

    const entry = loadBzImage(ram, bzImage(), { cmdline: 'console=x', initrd, rsdp: 0xe0000 });

    expect(entry).toEqual({
      mode: 'long',
      rip: 0x1000200,
      regs: { rsi: PLACES.zeroPage, rsp: PLACES.stack },
    });
    expect(ram.bytes[0x1000000]).toBe(0x90);
    const word = (offset: number) => ram.view.getUint32(PLACES.zeroPage + offset, true);
    expect(word(0x202)).toBe(0x53726448);
    expect(ram.bytes[PLACES.zeroPage + 0x210]).toBe(0xff);
    expect(textAt(ram, word(0x228))).toBe('console=x');
    expect([...ram.bytes.subarray(word(0x218), word(0x218) + word(0x21c))]).toEqual([1, 2, 3]);
    expect(word(0x218)).toBe(64 * MIB - 4096);
    expect(word(0x070)).toBe(0xe0000);
    expect(ram.bytes[PLACES.zeroPage + 0x1e8]).toBe(4);
    const pd = ram.view.getUint32(ram.view.getUint32(PLACES.pageTables, true) & ~0xfff, true) & ~0xfff;
    expect(ram.view.getUint32(pd + 8 * 8, true)).toBe(0x1000083);
  });

  test.each<[string, (file: Uint8Array) => void]>([
    ['an old protocol', (f) => f.fill(2, 0x207, 0x208).fill(0, 0x206, 0x207)],
    ['no 64-bit entry', (f) => f.fill(0, 0x236, 0x238)],
    ['setup code past the end', (f) => f.fill(0xff, 0x1f1, 0x1f2)],
    ['a kernel larger than RAM', (f) => f.fill(0xff, 0x260, 0x264)],
    ['a preferred address past RAM', (f) => f.fill(0xff, 0x258, 0x260)],
    ['a short command line limit', (f) => f.fill(0, 0x238, 0x23c)],
    ['no magic', (f) => f.fill(0, 0x202, 0x206)],
  ])('%s is refused', (_, spoil) => {
    const file = bzImage();
    spoil(file);

    expect(() => loadBzImage(newRam(), file, { cmdline: 'console=x' })).toThrow(IMAGE_ERROR);
  });

  test('an initrd that does not fit is refused', () => {
    const input = { cmdline: '', initrd: new Uint8Array(60 * MIB) };

    expect(() => loadBzImage(newRam(), bzImage(), input)).toThrow(IMAGE_ERROR);
  });

  test('is told from other files', () => {
    expect(isBzImage(bzImage())).toBe(true);
    expect(isBzImage(kernel('pvh'))).toBe(false);
    expect(isBzImage(new Uint8Array(10))).toBe(false);
  });
});

test('a flat binary goes where a boot sector goes', () => {
  const ram = newRam(MIB);

  expect(loadFlat(ram, new Uint8Array([0xf4]))).toEqual({ mode: 'real', rip: 0x7c00, regs: { rsp: 0x7c00 } });
  expect(ram.bytes[0x7c00]).toBe(0xf4);
  expect(() => loadFlat(ram, new Uint8Array(MIB))).toThrow(IMAGE_ERROR);
});
