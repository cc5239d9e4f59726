import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isBzImage } from '../../formats/bzimage.js';
import { GuestImageError } from '../errors.js';
import { loadBzImage } from './bzimage.js';
import { loadElf } from './elf-boot.js';
import { GuestRam } from './ram.js';

const SIZE = 2 ** 21;
const ram = new GuestRam(new ArrayBuffer(SIZE), SIZE);

/** Headers that the loaders would follow, before they are spoiled. */
const ELF = Uint8Array.from(Buffer.from('7f454c46020101000000000000000000', 'hex'));
const seeds = fc.constantFrom(
  new Uint8Array(0x400).map((_, i) => ELF[i] ?? 0),
  new Uint8Array(0x400).map((_, i) =>
    i === 0x1fe ? 0x55 : i === 0x1ff ? 0xaa : (Buffer.from('HdrS')[i - 0x202] ?? 0),
  ),
);
const edits = fc.array(fc.tuple(fc.nat(0x3ff), fc.integer({ min: 0, max: 255 })), { maxLength: 80 });

const image = fc.tuple(seeds, edits, fc.nat(0x400)).map(([seed, changes, length]) => {
  const file = seed.slice();
  file[18] = 62;
  for (const [at, value] of changes) file[at] = value;
  return file.subarray(0, Math.max(length, 0x380));
});

test('no image makes a loader write outside RAM or fail in any other way than by a typed error', () => {
  fc.assert(
    fc.property(image, fc.string(), (file, cmdline) => {
      try {
        const entry = isBzImage(file)
          ? loadBzImage(ram, file, { cmdline })
          : loadElf(ram, file, { cmdline, initrd: new Uint8Array(3) });
        expect(Number.isInteger(entry.rip)).toBe(true);
      } catch (error) {
        expect(error).toBeInstanceOf(GuestImageError);
      }
    }),
    { numRuns: 3000 },
  );
});
