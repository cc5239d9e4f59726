export interface ElfSegment {
  offset: number;
  virtual: number;
  physical: number;
  fileSize: number;
  memorySize: number;
}

const PT_LOAD = 1;
const LARGE = 0x200000;

/** Offsets in Elf64_Ehdr and Elf64_Phdr. */
const E_PHOFF = 32;
const E_SHOFF = 40;
const E_PHENTSIZE = 54;
const E_PHNUM = 56;
const E_SHNUM = 60;
const P_OFFSET = 8;
const P_VADDR = 16;
const P_PADDR = 24;
const P_FILESZ = 32;
const P_MEMSZ = 40;
const P_ALIGN = 48;

/** Offsets of the program headers of a 64-bit little-endian ELF file; none when it is something else. */
function programHeaders(elf: Buffer): number[] {
  if (elf.length < 64 || elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2 || elf[5] !== 1) return [];
  const table = Number(elf.readBigUInt64LE(E_PHOFF));
  const size = elf.readUInt16LE(E_PHENTSIZE);
  const count = elf.readUInt16LE(E_PHNUM);
  if (size < 56 || table + size * count > elf.length) return [];
  return Array.from({ length: count }, (_, index) => table + index * size);
}

function segmentAt(elf: Buffer, at: number): ElfSegment {
  const u64 = (offset: number): number => Number(elf.readBigUInt64LE(at + offset));
  return {
    offset: u64(P_OFFSET),
    virtual: u64(P_VADDR),
    physical: u64(P_PADDR),
    fileSize: u64(P_FILESZ),
    memorySize: u64(P_MEMSZ),
  };
}

const isLoad = (elf: Buffer, at: number): boolean => elf.readUInt32LE(at) === PT_LOAD;

/** Loadable segments and entry point. Undefined when the file is no whole 64-bit ELF file. */
export function elfSegments(elf: Buffer): { entry: bigint; segments: ElfSegment[] } | undefined {
  const segments = programHeaders(elf)
    .filter((at) => isLoad(elf, at))
    .map((at) => segmentAt(elf, at));
  const outside = segments.some(({ offset, fileSize }) => offset + fileSize > elf.length);
  // Many headers of the same large segment would take for ever to copy.
  const total = segments.reduce((sum, { fileSize }) => sum + fileSize, 0);
  if (segments.length === 0 || outside || total > elf.length) return undefined;
  return { entry: elf.readBigUInt64LE(24), segments };
}

/**
 * Move a program's segments inside its file so that offset and address agree modulo 2 MiB: then a file system in memory can map
 * them with large pages. The section headers are dropped, nothing at run time reads them.
 *
 * @returns the file as it was, when it is no ELF program
 */
export function alignForLargePages(elf: Buffer): Buffer {
  const headers = programHeaders(elf);
  const moves: { from: ElfSegment; to: number }[] = [];
  let end = 0;
  for (const at of headers.filter((header) => isLoad(elf, header))) {
    const from = segmentAt(elf, at);
    if (from.offset + from.fileSize > elf.length) return elf;
    const to = Math.floor(end / LARGE) * LARGE + (from.virtual % LARGE);
    moves.push({ from, to: to < end ? to + LARGE : to });
    end = (moves.at(-1) as { to: number }).to + from.fileSize;
  }
  // The first segment holds the headers: it must stay at the start of the file.
  if (moves[0]?.to !== 0 || moves[0].from.offset !== 0) return elf;
  const moved = Buffer.alloc(end);
  for (const { from, to } of moves) elf.copy(moved, to, from.offset, from.offset + from.fileSize);
  for (const at of headers) {
    const { offset } = segmentAt(elf, at);
    const home = moves.find(({ from }) => offset >= from.offset && offset < from.offset + from.fileSize);
    if (home) moved.writeBigUInt64LE(BigInt(offset - home.from.offset + home.to), at + P_OFFSET);
    if (isLoad(elf, at)) moved.writeBigUInt64LE(BigInt(LARGE), at + P_ALIGN);
  }
  moved.writeBigUInt64LE(0n, E_SHOFF);
  moved.writeUInt16LE(0, E_SHNUM);
  moved.writeUInt16LE(0, E_SHNUM + 2);
  return moved;
}
