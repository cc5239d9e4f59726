/** A guest image is not what its loader can load. */
export class GuestImageError extends Error {
  readonly code = 'VMM_GUEST_IMAGE';
  override readonly name = 'GuestImageError';
}

/** One PT_LOAD segment: `data` goes to `paddr`, zeros follow up to `memSize` bytes. */
export interface ElfSegment {
  paddr: bigint;
  memSize: bigint;
  data: Uint8Array;
}

/** One note of a PT_NOTE segment. */
export interface ElfNote {
  name: string;
  type: number;
  desc: Uint8Array;
}

/** What a loader needs of an ELF executable for x86 (ELF specification, "Program Header"). */
export interface ElfImage {
  bits: 32 | 64;
  entry: bigint;
  segments: ElfSegment[];
  notes: ElfNote[];
}

const PT_LOAD = 1;
const PT_NOTE = 4;
const EM_386 = 3;
const EM_X86_64 = 62;

/** Where the fields lie in the two classes. */
const CLASSES = {
  32: {
    header: 52,
    phoff: 28,
    phentsize: 42,
    phnum: 44,
    entry: 24,
    ph: 32,
    offset: 4,
    paddr: 12,
    filesz: 16,
    memsz: 20,
  },
  64: {
    header: 64,
    phoff: 32,
    phentsize: 54,
    phnum: 56,
    entry: 24,
    ph: 56,
    offset: 8,
    paddr: 24,
    filesz: 32,
    memsz: 40,
  },
} as const;

/**
 * Read an ELF executable for x86, 32 or 64 bits, little endian.
 * @throws GuestImageError if it is something else, or points outside itself
 */
export function parseElf(file: Uint8Array): ElfImage {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (file.length < 52 || view.getUint32(0) !== 0x7f454c46) throw new GuestImageError('not an ELF file');
  const bits = file[4] === 1 ? 32 : 64;
  const at = CLASSES[bits];
  if (file.length < at.header || file[5] !== 1) throw new GuestImageError('not a little-endian ELF file');
  const machine = view.getUint16(18, true);
  if (machine !== EM_386 && machine !== EM_X86_64) {
    throw new GuestImageError(`ELF machine ${machine} is not x86`);
  }
  const word = (offset: number) =>
    bits === 64 ? view.getBigUint64(offset, true) : BigInt(view.getUint32(offset, true));
  const phentsize = view.getUint16(at.phentsize, true);
  const phnum = view.getUint16(at.phnum, true);
  const phoff = word(at.phoff);
  if (phentsize < at.ph || phoff + BigInt(phentsize * phnum) > BigInt(file.length)) {
    throw new GuestImageError('the ELF program headers lie outside the file');
  }
  const image: ElfImage = { bits, entry: word(at.entry), segments: [], notes: [] };
  let noteBytes = 0;
  for (let i = 0; i < phnum; i++) {
    const ph = Number(phoff) + i * phentsize;
    const type = view.getUint32(ph, true);
    if (type !== PT_LOAD && type !== PT_NOTE) continue;
    const offset = word(ph + at.offset);
    const fileSize = word(ph + at.filesz);
    const memSize = word(ph + at.memsz);
    if (offset + fileSize > BigInt(file.length) || (type === PT_LOAD && fileSize > memSize)) {
      throw new GuestImageError(`ELF segment ${i} lies outside the file`);
    }
    const data = file.subarray(Number(offset), Number(offset + fileSize));
    if (type === PT_NOTE) {
      // Many headers of the same long notes would take for ever.
      noteBytes += data.length;
      if (noteBytes > file.length) throw new GuestImageError('the ELF notes overlap');
      for (const note of parseNotes(data)) image.notes.push(note);
    } else image.segments.push({ paddr: word(ph + at.paddr), memSize, data });
  }
  if (image.segments.length === 0) throw new GuestImageError('the ELF file has nothing to load');
  return image;
}

/** Notes up to the first that does not fit. Sizes are of 32 bits without sign: no arithmetic of 32 bits with one here. */
function parseNotes(data: Uint8Array): ElfNote[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const notes: ElfNote[] = [];
  const align = (n: number) => Math.ceil(n / 4) * 4;
  for (let at = 0; at + 12 <= data.length; ) {
    const nameSize = view.getUint32(at, true);
    const descSize = view.getUint32(at + 4, true);
    const nameAt = at + 12;
    const descAt = nameAt + align(nameSize);
    if (descAt + descSize > data.length) break;
    const name = Buffer.from(data.subarray(nameAt, nameAt + Math.max(nameSize - 1, 0))).toString('latin1');
    notes.push({ name, type: view.getUint32(at + 8, true), desc: data.subarray(descAt, descAt + descSize) });
    at = descAt + align(descSize);
  }
  return notes;
}
