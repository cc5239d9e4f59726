import { describe, expect, it } from 'vitest';
import { LabError } from './errors.js';
import { moduleArchive, splitImage, withModules } from './modular-image.js';

const KERNEL = Buffer.from('a kernel');
const MODULES = [
  { name: 'kvm', content: Buffer.alloc(17, 'k') },
  { name: 'kvm-intel', content: Buffer.alloc(16, 'i') },
];

it('writes a record of multiples of 16 bytes for each module, and an empty one, as init.c reads them', () => {
  const archive = moduleArchive(MODULES);

  expect(archive).toHaveLength(64 + 32 + 64 + 16 + 64);
  expect(archive.toString('latin1', 0, 4)).toBe('kvm\0');
  expect(archive.readBigUInt64LE(48)).toBe(17n);
  expect(archive.toString('latin1', 64, 96)).toBe(`${'k'.repeat(17)}${'\0'.repeat(15)}`);
  expect(archive.toString('latin1', 96, 106)).toBe('kvm-intel\0');
  expect(archive.subarray(-64).every((byte) => byte === 0)).toBe(true);
});

it('refuses a name that has no room', () => {
  expect(() => moduleArchive([{ name: 'm'.repeat(48), content: KERNEL }])).toThrow(RangeError);
});

describe('an image', () => {
  it('is taken apart into what it was made of', () => {
    const { bzImage, modules } = splitImage(withModules(KERNEL, MODULES), 'image');

    expect(bzImage).toEqual(KERNEL);
    expect(modules).toEqual(moduleArchive(MODULES));
  });

  it.each([KERNEL, Buffer.alloc(0), Buffer.alloc(100)])('without modules is as it was', (image) => {
    expect(splitImage(image, 'image')).toEqual({ bzImage: image });
  });

  const image = withModules(KERNEL, MODULES);
  it.each([
    ['a bit of a module', KERNEL.length + 70],
    ['its length', image.length - 36],
    ['the length of its modules', image.length - 28],
    ['its checksum', image.length - 20],
  ])('with another value of %s is refused', (_, at) => {
    const damaged = Buffer.from(image);
    damaged[at] = (damaged[at] as number) ^ 1;

    const split = (): unknown => splitImage(damaged, 'some/bzImage');
    expect(split).toThrow(LabError);
    expect(split).toThrow('the modules in some/bzImage are damaged');
  });
});
