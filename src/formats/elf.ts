/** A file is no ELF executable for x86, or points outside itself. */
export class ElfError extends Error {
  readonly code = 'ELF_INVALID';
  override readonly name = 'ElfError';
}

/** A program header. What it leads to need not be there: only segments and notes are checked. */
interface ElfHeader {
  /** Where it lies in the file itself. */
  at: number;
  type: number;
  offset: number;
  virtual: number;
  physical: number;
  fileSize: number;
  memorySize: number;
}

/** One PT_LOAD segment: `data` goes to `physical`, zeros follow up to `memorySize` bytes. */
export interface ElfSegment extends ElfHeader {
  data: Uint8Array;
}

/** One note of a PT_NOTE segment. */
interface ElfNote {
  name: string;
  type: number;
  desc: Uint8Array;
}

/** What a loader needs of an ELF executable for x86 (ELF specification, "Program Header"). */
export interface ElfImage {
  bits: 32 | 64;
  entry: bigint;
  headers: ElfHeader[];
  segments: ElfSegment[];
  notes: ElfNote[];
}

const MAGIC = 0x7f454c46;
const PT_LOAD = 1;
const PT_NOTE = 4;
const EM_386 = 3;
const EM_X86_64 = 62;

/** Offsets in the file's header and in a program header, and the sizes of both, in the two classes (ELF specification). */
export const ELF_LAYOUT = {
  32: {
    header: 52,
    entry: 24,
    phoff: 28,
    shoff: 32,
    phentsize: 42,
    phnum: 44,
    shnum: 48,
    ph: 32,
    offset: 4,
    vaddr: 8,
    paddr: 12,
    filesz: 16,
    memsz: 20,
    align: 28,
  },
  64: {
    header: 64,
    entry: 24,
    phoff: 32,
    shoff: 40,
    phentsize: 54,
    phnum: 56,
    shnum: 60,
    ph: 56,
    offset: 8,
    vaddr: 16,
    paddr: 24,
    filesz: 32,
    memsz: 40,
    align: 48,
  },
} as const;

/** Whether a file begins as an ELF file does. */
export function isElf(file: Uint8Array): boolean {
  return file.length >= 4 && viewOf(file).getUint32(0) === MAGIC;
}

/**
 * Read an ELF executable for x86, 32 or 64 bits, little endian. Whatever the file says, this ends soon.
 * @throws ElfError if it is something else, or points outside itself
 */
export function parseElf(file: Uint8Array): ElfImage {
  const { bits, entry, headers } = readHeaders(file);
  const segments = headers
    .filter(({ type }) => type === PT_LOAD)
    .map((header): ElfSegment => ({ ...header, data: dataOf(file, header) }));
  if (segments.length === 0) throw new ElfError('the ELF file has nothing to load');
  return { bits, entry, headers, segments, notes: readNotes(file, headers) };
}

/** The same, or undefined for what is no such file. */
export function tryParseElf(file: Uint8Array): ElfImage | undefined {
  try {
    return parseElf(file);
  } catch (error) {
    if (error instanceof ElfError) return undefined;
    throw error;
  }
}

function readHeaders(file: Uint8Array): Pick<ElfImage, 'bits' | 'entry' | 'headers'> {
  const view = viewOf(file);
  if (file.length < ELF_LAYOUT[32].header || !isElf(file)) throw new ElfError('not an ELF file');
  const bits = file[4] === 1 ? 32 : 64;
  const at = ELF_LAYOUT[bits];
  if (file.length < at.header || file[5] !== 1) throw new ElfError('not a little-endian ELF file');
  const machine = view.getUint16(18, true);
  if (machine !== EM_386 && machine !== EM_X86_64) throw new ElfError(`ELF machine ${machine} is not x86`);
  const word = (offset: number): bigint =>
    bits === 64 ? view.getBigUint64(offset, true) : BigInt(view.getUint32(offset, true));
  const size = view.getUint16(at.phentsize, true);
  const count = view.getUint16(at.phnum, true);
  const table = Number(word(at.phoff));
  if (size < at.ph || table + size * count > file.length)
    throw new ElfError('the ELF program headers lie outside the file');
  const headerAt = (header: number): ElfHeader => ({
    at: header,
    type: view.getUint32(header, true),
    offset: Number(word(header + at.offset)),
    virtual: Number(word(header + at.vaddr)),
    physical: Number(word(header + at.paddr)),
    fileSize: Number(word(header + at.filesz)),
    memorySize: Number(word(header + at.memsz)),
  });
  const headers = Array.from({ length: count }, (_, i) => headerAt(table + i * size));
  return { bits, entry: word(at.entry), headers };
}

/** Numbers above 2^53 are not exact here, and far outside any file all the same. */
function dataOf(file: Uint8Array, { type, offset, fileSize, memorySize }: ElfHeader): Uint8Array {
  if (offset + fileSize > file.length || (type === PT_LOAD && fileSize > memorySize))
    throw new ElfError('an ELF segment lies outside the file');
  return file.subarray(offset, offset + fileSize);
}

function readNotes(file: Uint8Array, headers: readonly ElfHeader[]): ElfNote[] {
  const parts = headers.filter(({ type }) => type === PT_NOTE).map((header) => dataOf(file, header));
  // Many headers of the same long notes would take for ever.
  if (parts.reduce((sum, { length }) => sum + length, 0) > file.length)
    throw new ElfError('the ELF notes overlap');
  return parts.flatMap(parseNotes);
}

/** Notes up to the first that does not fit. Sizes are of 32 bits without sign: no arithmetic of 32 bits with one here. */
function parseNotes(data: Uint8Array): ElfNote[] {
  const view = viewOf(data);
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

const viewOf = ({ buffer, byteOffset, byteLength }: Uint8Array): DataView =>
  new DataView(buffer, byteOffset, byteLength);
