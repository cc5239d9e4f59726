import { expect, test } from 'vitest';
import { isBzImage, setupHeader, setupSize } from './bzimage.js';

function image(length = 0x400): Uint8Array {
  const file = new Uint8Array(0x400);
  file.set([4], 0x1f1);
  file.set([0x55, 0xaa, 0xeb, 0x6a, ...Buffer.from('HdrS')], 0x1fe);
  return file.subarray(0, length);
}

test.each<[string, Uint8Array, boolean]>([
  ['one', image(), true],
  ['one that is cut in its header', image(0x267), false],
  ['one without its magic', image().fill(0, 0x202, 0x206), false],
  ['one without its boot flag', image().fill(0, 0x1fe, 0x200), false],
  ['an empty file', new Uint8Array(), false],
])('%s', (_, file, expected) => {
  expect(isBzImage(file)).toBe(expected);
});

test('the setup code has four sectors where none are told, and one more for the boot sector', () => {
  expect(setupSize(image())).toBe(5 * 512);
  expect(setupSize(image().fill(0, 0x1f1, 0x1f2))).toBe(5 * 512);
  expect(setupSize(image().fill(0xff, 0x1f1, 0x1f2))).toBe(256 * 512);
});

test('the setup header is as long as it says, and never reaches what comes after it in the zero page', () => {
  expect(setupHeader(image())).toHaveLength(0x202 + 0x6a - 0x1f1);
  expect(setupHeader(image().fill(0xff, 0x201, 0x202))).toHaveLength(0x290 - 0x1f1);
});
