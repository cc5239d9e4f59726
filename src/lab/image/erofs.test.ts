import { expect, test } from 'vitest';
import { erofsImage } from './erofs.js';

const BLOCK = 4096;

/** Read a file back by the on-disk format: superblock, inodes of 64 bytes, entries of 12 bytes. */
function read(image: Buffer, path: string): Buffer {
  expect(image.readUInt32LE(1024)).toBe(0xe0f5e1e2);
  const meta = image.readUInt32LE(1024 + 40) * BLOCK;
  const content = (nid: number): Buffer => {
    const inode = meta + nid * 32;
    const start = image.readUInt32LE(inode + 16) * BLOCK;
    return image.subarray(start, start + Number(image.readBigUInt64LE(inode + 8)));
  };
  let data = content(image.readUInt16LE(1024 + 14));
  for (const name of path.split('/').slice(1)) data = content(find(data, name));
  return data;
}

function find(directory: Buffer, name: string): number {
  const count = directory.readUInt16LE(8) / 12;
  const nameAt = (index: number): number =>
    index < count ? directory.readUInt16LE(index * 12 + 8) : directory.length;
  const names = Array.from({ length: count }, (_, index) =>
    directory.toString('utf8', nameAt(index), nameAt(index + 1)),
  );
  expect(names).toEqual([...names].sort());
  const index = names.indexOf(name);
  if (index < 0) throw new Error(`no ${name} in ${names}`);
  return Number(directory.readBigUInt64LE(index * 12));
}

test('every file reads back, large ones aligned to 2 MiB', () => {
  const large = Buffer.alloc((2 << 20) + 5, 7);
  const files = [
    { path: '/usr/bin/node', data: large },
    { path: '/lib/x86_64-linux-gnu/libc.so.6', data: Buffer.from('libc') },
    { path: '/lib/x86_64-linux-gnu/libm.so.6', data: Buffer.from('libm') },
    { path: '/lib64/ld-linux-x86-64.so.2', data: Buffer.from('') },
  ];
  const image = erofsImage(files);
  for (const { path, data } of files) expect(read(image, path).equals(data)).toBe(true);
  expect((read(image, '/usr/bin/node').byteOffset - image.byteOffset) % (2 << 20)).toBe(0);
  expect(() => read(image, '/usr/lib')).toThrow('no lib');
});

test('a directory that does not fit its block is refused', () => {
  const files = Array.from({ length: 300 }, (_, index) => ({
    path: `/dir/file${index}`,
    data: Buffer.from(''),
  }));
  expect(() => erofsImage(files)).toThrow(RangeError);
});
