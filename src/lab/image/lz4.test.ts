import { describe, expect, it } from 'vitest';
import { unpackLegacyLz4 } from './lz4.js';

/** A legacy frame around blocks. */
function frame(...blocks: number[][]): Buffer {
  const parts = blocks.flatMap((block) => {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(block.length);
    return [head, Buffer.from(block)];
  });
  return Buffer.concat([Buffer.from('02214c18', 'hex'), ...parts]);
}

const bytes = (text: string): number[] => [...Buffer.from(text)];

describe('unpackLegacyLz4', () => {
  it.each<[string, number[][], string]>([
    ['literals', [[0x30, ...bytes('abc')]], 'abc'],
    ['a match', [[0x32, ...bytes('abc'), 3, 0, 0x10, ...bytes('d')]], 'abcabcabcd'],
    ['a match that overlaps itself', [[0x14, ...bytes('a'), 1, 0, 0x10, ...bytes('b')]], 'aaaaaaaaab'],
    ['a long run of literals', [[0xf0, 255, 0, ...bytes('x'.repeat(270))]], 'x'.repeat(270)],
    ['a long match', [[0x1f, ...bytes('a'), 1, 0, 10, 0x10, ...bytes('b')]], `${'a'.repeat(30)}b`],
    [
      'two blocks, the second looking back into the first',
      [
        [0x30, ...bytes('abc')],
        [0x00, 3, 0, 0x10, ...bytes('z')],
      ],
      'abcabcaz',
    ],
  ])('unpacks %s', (_, blocks, text) => {
    expect(unpackLegacyLz4(frame(...blocks), text.length).toString()).toBe(text);
  });

  it.each<[string, Buffer, number]>([
    ['a match before the start', frame([0x10, ...bytes('a'), 9, 0, 0x10, ...bytes('b')]), 7],
    ['a match of distance 0', frame([0x10, ...bytes('a'), 0, 0, 0x10, ...bytes('b')]), 7],
    ['more than was promised', frame([0x30, ...bytes('abc')]), 2],
    ['less than was promised', frame([0x30, ...bytes('abc')]), 4],
    ['a block that is cut short', frame([0x50, ...bytes('abc')]), 5],
  ])('refuses %s', (_, packed, size) => {
    expect(() => unpackLegacyLz4(packed, size)).toThrow(RangeError);
  });
});
