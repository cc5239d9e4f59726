import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { embeddedConfig, readBzImage, unpackKernel } from './bzimage.js';

const folder = mkdtempSync(join(tmpdir(), 'bzimage-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

const MIB = 2 ** 20;
const DAMAGED = expect.objectContaining({
  code: 'LAB_KERNEL_INVALID',
  message: 'the kernel in some/bzImage is damaged',
});

/** An unpacked kernel of `size` bytes that packs well. */
function kernel(size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32BE(0x7f454c46);
  return bytes;
}

/** A bzImage with this payload: four setup sectors, the rest the protected-mode code. */
function bzImage(payload: Buffer): Buffer {
  const setup = Buffer.alloc(5 * 512);
  setup[0x1f1] = 4;
  setup.writeUInt16LE(0xaa55, 0x1fe);
  setup.write('HdrS', 0x202);
  setup.writeUInt32LE(0, 0x248);
  setup.writeUInt32LE(payload.length, 0x24c);
  return Buffer.concat([setup, payload]);
}

function withSize(packed: Buffer, size: number): Buffer {
  const end = Buffer.alloc(4);
  end.writeUInt32LE(size);
  return Buffer.concat([packed, end]);
}

const tool = (name: string, args: string[]) => (bytes: Buffer) =>
  spawnSync(name, args, { input: bytes, maxBuffer: 64 * MIB }).stdout;

/** As arch/x86/boot/compressed/Makefile packs: gzip has the size at its end, to the others it is appended. */
const FORMATS: [string, (bytes: Buffer, size: number) => Buffer][] = [
  ['gzip', (bytes, size) => withSize(gzipSync(bytes).subarray(0, -4), size)],
  ['lz4', (bytes, size) => withSize(tool('lz4', ['-l', '-c', '-q'])(bytes), size)],
  ['xz', (bytes, size) => withSize(tool('xz', ['--check=crc32', '-c'])(bytes), size)],
  ['zstd', (bytes, size) => withSize(tool('zstd', ['-c', '-q'])(bytes), size)],
];

describe.each(FORMATS)('a kernel packed by %s', (_, pack) => {
  const whole = kernel(MIB);

  it('is unpacked', () => {
    expect(unpackKernel(bzImage(pack(whole, MIB)), 'some/bzImage')?.equals(whole)).toBe(true);
  });

  it('is damaged when it unpacks to more than it says', () => {
    expect(() => unpackKernel(bzImage(pack(kernel(64 * MIB), MIB)), 'some/bzImage')).toThrow(DAMAGED);
  });

  it('is damaged when it says more than may be', () => {
    expect(() => unpackKernel(bzImage(pack(whole, 2 ** 31)), 'some/bzImage')).toThrow(DAMAGED);
  });

  it('is damaged when it is cut short', () => {
    const packed = pack(whole, MIB);

    const cut = withSize(packed.subarray(0, packed.length / 2), MIB);

    expect(() => unpackKernel(bzImage(cut), 'some/bzImage')).toThrow(DAMAGED);
  });
});

it('a configuration without bound is none', () => {
  const packed = (size: number) =>
    Buffer.concat([Buffer.from('IKCFG_ST'), gzipSync(Buffer.alloc(size, 'x')), Buffer.from('IKCFG_ED')]);

  expect(embeddedConfig(packed(1000))).toHaveLength(1000);
  expect(embeddedConfig(packed(64 * MIB))).toBeUndefined();
});

it('a kernel that never ends is not read', async () => {
  writeFileSync(join(folder, 'none'), '');

  await expect(readBzImage('/dev/zero')).rejects.toMatchObject({
    code: 'LAB_FILE',
    message: 'cannot read /dev/zero: it is a device, not a file',
  });
});
