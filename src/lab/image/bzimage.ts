import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { BOOT_PARAMS, isBzImage, setupSize } from '../../formats/bzimage.js';
import { isElf } from '../../formats/elf.js';
import { LabError } from '../errors.js';
import { readNamed } from '../files.js';
import { splitImage } from '../modular-image.js';
import { unpackLegacyLz4 } from './lz4.js';

/** A kernel image. */
export interface Kernel {
  path: string;
  /** The kernel alone. */
  bzImage: Buffer;
  /** The modules that the file carries, as init reads them. */
  modules?: Buffer;
  /** The unpacked ELF file, where this machine can unpack it. */
  vmlinux: Buffer | undefined;
}

const KERNEL_SIZE_LIMIT = 512 << 20;
/** A configuration has some 300 KB. */
const CONFIG_SIZE_LIMIT = 16 << 20;

/**
 * Read an x86 Linux kernel image and check that it is all there.
 *
 * @throws LabError LAB_KERNEL_INVALID, LAB_FILE
 */
export async function readBzImage(path: string): Promise<Buffer> {
  const image = await readNamed(path, {
    limit: KERNEL_SIZE_LIMIT,
    why: 'the most for a kernel',
    again: true,
  });
  if (!isBzImage(image)) throw new LabError('LAB_KERNEL_INVALID', `${path} is not a bzImage`);
  const expected = setupSize(image) + image.readUInt32LE(BOOT_PARAMS.systemSize) * 16;
  if (image.length < expected)
    throw new LabError(
      'LAB_KERNEL_INVALID',
      `${path} is cut short: ${image.length} bytes of at least ${expected}`,
    );
  return image;
}

/**
 * Read a kernel image, and unpack it where this machine can.
 *
 * @throws LabError LAB_KERNEL_INVALID, LAB_FILE
 */
export async function readKernel(path: string): Promise<Kernel> {
  const parts = splitImage(await readBzImage(path), path);
  return { path: resolve(path), ...parts, vmlinux: unpackKernel(parts.bzImage, path) };
}

/** Unpacks to `size` bytes at most. Undefined where this machine lacks the tool; throws when the data is damaged. */
type Unpacker = (payload: Buffer, size: number) => Buffer | undefined;

/** The build appends the unpacked size; gzip has it at its own end. */
const withoutSize = (payload: Buffer): Buffer => payload.subarray(0, -4);

const UNPACKERS: { magic: string; unpack: Unpacker }[] = [
  { magic: '02214c18', unpack: (payload, size) => unpackLegacyLz4(withoutSize(payload), size) },
  { magic: '1f8b', unpack: (payload, size) => gunzipSync(payload, { maxOutputLength: size }) },
  { magic: '28b52ffd', unpack: withTool('zstd') },
  { magic: 'fd377a585a00', unpack: withTool('xz') },
];

/** xz and zstd are no part of Node 20: use the tool where it is installed. */
function withTool(tool: string): Unpacker {
  return (payload, size) => {
    const { error, status, stdout } = spawnSync(tool, ['-dc'], {
      input: withoutSize(payload),
      maxBuffer: size,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const { code } = (error ?? {}) as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'ENOBUFS' || status !== 0) throw new RangeError(`${tool} cannot unpack it`);
    return stdout;
  };
}

/**
 * The uncompressed kernel (an ELF file) in a bzImage, or undefined where this machine cannot unpack its format.
 *
 * @throws LabError LAB_KERNEL_INVALID when the packed kernel is damaged
 */
export function unpackKernel(image: Buffer, path: string): Buffer | undefined {
  const start = setupSize(image) + image.readUInt32LE(BOOT_PARAMS.payloadOffset);
  const length = image.readUInt32LE(BOOT_PARAMS.payloadLength);
  const payload = image.subarray(start, start + length);
  const known = UNPACKERS.find(({ magic }) => payload.subarray(0, 8).toString('hex').startsWith(magic));
  if (!known || payload.length < length || length < 8) return undefined;
  const size = payload.readUInt32LE(length - 4);
  const damaged = (): never => {
    throw new LabError('LAB_KERNEL_INVALID', `the kernel in ${path} is damaged`);
  };
  if (size < 4 || size > KERNEL_SIZE_LIMIT) damaged();
  let kernel: Buffer | undefined;
  try {
    kernel = known.unpack(payload, size);
  } catch {
    damaged();
  }
  if (kernel && (kernel.length !== size || !isElf(kernel))) damaged();
  return kernel;
}

/** The configuration that a kernel with IKCONFIG carries, or undefined. */
export function embeddedConfig(vmlinux: Buffer): string | undefined {
  const start = vmlinux.indexOf('IKCFG_ST');
  const end = vmlinux.indexOf('IKCFG_ED', start);
  if (start < 0 || end < 0) return undefined;
  try {
    const limit = { maxOutputLength: CONFIG_SIZE_LIMIT };
    return gunzipSync(vmlinux.subarray(start + 8, end), limit).toString('latin1');
  } catch {
    return undefined;
  }
}

/** Options for a file system in memory that is mapped in place. */
const IN_PLACE = ['EROFS_FS', 'FS_DAX', 'BLK_DEV_PMEM', 'X86_PMEM_LEGACY'];

/** Whether a kernel can map programs from a memory image that the host provides. */
export function mapsInPlace(vmlinux: Buffer): boolean {
  const config = embeddedConfig(vmlinux);
  return config !== undefined && IN_PLACE.every((name) => config.includes(`\nCONFIG_${name}=y\n`));
}
