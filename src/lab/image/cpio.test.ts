import { expect, test } from 'vitest';
import { cpioArchive, S_IFCHR, S_IFREG } from './cpio.js';

/** Read a newc archive back. */
function* members(archive: Buffer): Iterable<{ name: string; mode: number; data: string; device: number[] }> {
  for (let at = 0; at < archive.length; ) {
    const field = (index: number): number =>
      Number.parseInt(archive.toString('latin1', at + 6 + index * 8, at + 14 + index * 8), 16);
    expect(archive.toString('latin1', at, at + 6)).toBe('070701');
    const nameAt = at + 110;
    const name = archive.toString('utf8', nameAt, nameAt + field(11) - 1);
    const dataAt = Math.ceil((nameAt + field(11)) / 4) * 4;
    yield {
      name,
      mode: field(1),
      data: archive.toString('utf8', dataAt, dataAt + field(6)),
      device: [field(9), field(10)],
    };
    at = Math.ceil((dataAt + field(6)) / 4) * 4;
  }
}

test('an archive reads back with its directories once, before what is in them', () => {
  const archive = cpioArchive([
    { path: '/a/b/one', mode: S_IFREG | 0o644, data: Buffer.from('hello') },
    { path: '/a/two', mode: S_IFREG | 0o755, data: Buffer.from('') },
    { path: '/dev/console', mode: S_IFCHR | 0o600, device: [5, 1] },
  ]);
  const read = [...members(archive)];
  expect(read.map(({ name }) => name)).toEqual([
    'a',
    'a/b',
    'a/b/one',
    'a/two',
    'dev',
    'dev/console',
    'TRAILER!!!',
  ]);
  expect(read[2]).toEqual({ name: 'a/b/one', mode: 0o100644, data: 'hello', device: [0, 0] });
  expect(read[5]).toMatchObject({ mode: 0o020600, device: [5, 1] });
  expect(archive.length % 4).toBe(0);
});
