import { crc32 } from 'node:zlib';
import { LabError } from './errors.js';

/** A module of a kernel. */
export interface KernelModule {
  /** As its file is called, without `.ko`. */
  name: string;
  /** The file, as init_module(2) takes it. */
  content: Uint8Array;
}

/** A record of the archive that init reads (guests/lab/init.c): name, size, content, all multiples of 16 bytes. An empty name ends it. */
const NAME_BYTES = 48;
const HEADER_BYTES = 64;
const ALIGNMENT = 16;

/** Ends an image that carries modules, behind the kernel's length, the archive's length and its CRC-32. */
const MAGIC = 'kvm-memtype+mods';
const FOOTER_BYTES = 8 + 8 + 4 + MAGIC.length;

/** Modules as init reads them, in the order in which they are loaded. */
export function moduleArchive(modules: readonly KernelModule[]): Buffer {
  const parts = modules.flatMap(({ name, content }) => {
    const header = Buffer.alloc(HEADER_BYTES);
    if (header.write(name, 0, NAME_BYTES, 'latin1') !== name.length || name.length === NAME_BYTES)
      throw new RangeError(`${name} is too long for the name of a module`);
    header.writeBigUInt64LE(BigInt(content.length), NAME_BYTES);
    return [header, content, Buffer.alloc(-content.length & (ALIGNMENT - 1))];
  });
  return Buffer.concat([...parts, Buffer.alloc(HEADER_BYTES)]);
}

/** One file of a kernel and its modules: whoever copies, names or hashes the image has them with it, and a boot loader does not look at them. */
export function withModules(bzImage: Buffer, modules: readonly KernelModule[]): Buffer {
  const archive = moduleArchive(modules);
  const footer = Buffer.alloc(FOOTER_BYTES);
  footer.writeBigUInt64LE(BigInt(bzImage.length), 0);
  footer.writeBigUInt64LE(BigInt(archive.length), 8);
  footer.writeUInt32LE(crc32(archive), 16);
  footer.write(MAGIC, 20, 'latin1');
  return Buffer.concat([bzImage, archive, footer]);
}

/** What an image is made of. */
interface ImageParts {
  bzImage: Buffer;
  /** What moduleArchive() made; absent where the image carries none. */
  modules?: Buffer;
}

/**
 * Take an image apart that may carry modules.
 * @param path for the message
 * @throws LabError LAB_KERNEL_INVALID if the modules are damaged
 */
export function splitImage(image: Buffer, path: string): ImageParts {
  const footer = image.subarray(-FOOTER_BYTES);
  if (footer.toString('latin1', 20) !== MAGIC) return { bzImage: image };
  const [start, length] = [footer.readBigUInt64LE(0), footer.readBigUInt64LE(8)];
  const end = image.length - FOOTER_BYTES;
  const modules = image.subarray(Number(start), end);
  if (start + length !== BigInt(end) || crc32(modules) !== footer.readUInt32LE(16))
    throw new LabError('LAB_KERNEL_INVALID', `the modules in ${path} are damaged`);
  return { bzImage: image.subarray(0, Number(start)), modules };
}
