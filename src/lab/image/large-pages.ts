import { ELF_LAYOUT, type ElfSegment, tryParseElf } from '../../formats/elf.js';

const LARGE = 0x200000;
const PT_LOAD = 1;
const { shoff, shnum, offset: offsetField, align } = ELF_LAYOUT[64];

/**
 * Move a program's segments inside its file so that offset and address agree modulo 2 MiB: then a file system in memory can map
 * them with large pages. The section headers are dropped, nothing at run time reads them.
 *
 * @returns the file as it was, when it is no 64-bit ELF program
 */
export function alignForLargePages(file: Buffer): Buffer {
  const elf = tryParseElf(file);
  if (elf?.bits !== 64) return file;
  const moves = placesOf(elf.segments);
  // The first segment holds the headers: it must stay at the start of the file.
  const [first] = moves;
  if (first?.to !== 0 || first.from.offset !== 0) return file;
  const moved = Buffer.alloc(Math.max(...moves.map(({ from, to }) => to + from.fileSize)));
  for (const { from, to } of moves) moved.set(from.data, to);
  for (const { at, type, offset } of elf.headers) {
    const home = moves.find(({ from }) => offset >= from.offset && offset < from.offset + from.fileSize);
    if (home) moved.writeBigUInt64LE(BigInt(offset - home.from.offset + home.to), at + offsetField);
    if (type === PT_LOAD) moved.writeBigUInt64LE(BigInt(LARGE), at + align);
  }
  moved.writeBigUInt64LE(0n, shoff);
  moved.writeUInt16LE(0, shnum);
  moved.writeUInt16LE(0, shnum + 2);
  return moved;
}

interface Move {
  from: ElfSegment;
  /** Its new offset in the file. */
  to: number;
}

function placesOf(segments: readonly ElfSegment[]): Move[] {
  let end = 0;
  return segments.map((from) => {
    const at = Math.floor(end / LARGE) * LARGE + (from.virtual % LARGE);
    const to = at < end ? at + LARGE : at;
    end = to + from.fileSize;
    return { from, to };
  });
}
