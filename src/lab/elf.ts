export interface ElfSegment {
  offset: number;
  physical: number;
  fileSize: number;
  memorySize: number;
}

const PT_LOAD = 1;

/** Loadable segments and entry point of a 64-bit little-endian ELF file. Undefined when it is something else. */
export function elfSegments(elf: Buffer): { entry: bigint; segments: ElfSegment[] } | undefined {
  if (elf.length < 64 || elf.readUInt32BE(0) !== 0x7f454c46 || elf[4] !== 2 || elf[5] !== 1) return undefined;
  const table = Number(elf.readBigUInt64LE(32));
  const entrySize = elf.readUInt16LE(54);
  const count = elf.readUInt16LE(56);
  if (entrySize < 56 || table + entrySize * count > elf.length) return undefined;
  const segments: ElfSegment[] = [];
  for (let i = 0; i < count; i++) {
    const at = table + i * entrySize;
    if (elf.readUInt32LE(at) !== PT_LOAD) continue;
    const u64 = (offset: number): number => Number(elf.readBigUInt64LE(at + offset));
    const segment = { offset: u64(8), physical: u64(24), fileSize: u64(32), memorySize: u64(40) };
    if (segment.offset + segment.fileSize > elf.length) return undefined;
    segments.push(segment);
  }
  return { entry: elf.readBigUInt64LE(24), segments };
}
