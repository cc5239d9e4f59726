/** One member of an initramfs. Directories above it are made by cpioArchive. */
export interface CpioEntry {
  /** Absolute path in the guest. */
  path: string;
  /** File type and permissions, as st_mode. */
  mode: number;
  data?: Uint8Array;
  /** Major and minor of a device node. */
  device?: [number, number];
}

export const S_IFREG = 0o100000;
const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFLNK = 0o120000;

const hex8 = (value: number): string => value.toString(16).padStart(8, '0');
const padding = (length: number): Uint8Array => new Uint8Array((4 - (length % 4)) % 4);

/**
 * Make a "newc" cpio archive, uncompressed, as the kernel's initramfs loader reads it
 * (Documentation/driver-api/early-userspace/buffer-format.rst). Archives may be concatenated.
 */
export function cpioArchive(entries: readonly CpioEntry[]): Buffer {
  const parts: Uint8Array[] = [];
  let inode = 1;
  for (const entry of withDirectories(entries)) parts.push(...member(entry, inode++));
  parts.push(...member({ path: '/TRAILER!!!', mode: 0 }, 0));
  return Buffer.concat(parts);
}

function member(entry: CpioEntry, inode: number): Uint8Array[] {
  const name = Buffer.from(`${entry.path.slice(1)}\0`);
  const data = entry.data ?? new Uint8Array(0);
  const [major, minor] = entry.device ?? [0, 0];
  // magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [inode, entry.mode, 0, 0, 1, 0, data.length, 0, 0, major, minor, name.length, 0];
  const header = Buffer.from(`070701${fields.map(hex8).join('')}`);
  return [header, name, padding(header.length + name.length), data, padding(data.length)];
}

function withDirectories(entries: readonly CpioEntry[]): CpioEntry[] {
  const seen = new Set<string>(entries.map((entry) => entry.path));
  const result: CpioEntry[] = [];
  for (const entry of entries) {
    const names = entry.path.split('/').slice(1, -1);
    for (let depth = 1; depth <= names.length; depth++) {
      const path = `/${names.slice(0, depth).join('/')}`;
      if (seen.has(path)) continue;
      seen.add(path);
      result.push({ path, mode: S_IFDIR | 0o755 });
    }
    result.push(entry);
  }
  return result;
}
