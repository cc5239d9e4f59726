import { expect, test } from 'vitest';
import { releaseOf } from './identity.js';

/** The part of an image that the setup header is in, with a version text at 0x600. */
function imageWith(text: string, offset = 0x400): Buffer {
  const image = Buffer.alloc(0x1000, 0x41);
  image.writeUInt16LE(offset, 0x20e);
  image.write(`${text}\0`, 0x600, 'latin1');
  return image;
}

test.each([
  ['a version', imageWith('6.1.192 (lab@kvm-memtype) #1 SMP Wed Jan  1'), '6.1.192'],
  ['a local version', imageWith('6.9.0-rc1+ (a@b) #2'), '6.9.0-rc1+'],
  ['none', imageWith('6.1.192 x', 0), undefined],
  ['one that lies outside', imageWith('6.1.192 x', 0xfff0), undefined],
  ['no words', imageWith('AAAA'), undefined],
  ['what a terminal acts on', imageWith('\u001b[2J6.1 x'), undefined],
])('the release of an image with %s', (_, image, release) => {
  expect(releaseOf(image)).toBe(release);
});
