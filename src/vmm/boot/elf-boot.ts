import { PAGE_SIZE } from '../../arch/units.js';
import { ElfError, type ElfImage, parseElf } from '../../formats/elf.js';
import { GuestImageError } from '../errors.js';
import type { BootEntry, BootInput } from './entry.js';
import { type GuestRam, memoryMap, PLACES } from './ram.js';

const XEN_ELFNOTE_PHYS32_ENTRY = 18;

/** Multiboot 1 specification, "OS image format" and "Machine state". */
const MULTIBOOT = {
  header: 0x1badb002,
  search: 8192,
  handover: 0x2badb002,
  flagMemory: 1,
  flagCmdline: 4,
  flagMods: 8,
  flagMap: 64,
};
/** Offsets in the multiboot information structure. */
const MBI = {
  flags: 0,
  memLower: 4,
  memUpper: 8,
  cmdline: 16,
  modsCount: 20,
  modsAddr: 24,
  mmapLength: 44,
  mmapAddr: 48,
  size: 120,
};

const PVH_MAGIC = 0x336ec578;
/** Offsets in hvm_start_info (Xen public headers, arch-x86/hvm/start_info.h). */
const PVH = {
  magic: 0,
  version: 4,
  modules: 12,
  modlist: 16,
  cmdline: 24,
  rsdp: 32,
  memmap: 40,
  memmapEntries: 48,
  size: 56,
};

/**
 * Load an ELF kernel that has a multiboot 1 header or a PVH entry note; multiboot wins where both are there.
 * @throws GuestImageError if it has neither, or does not fit the RAM
 */
export function loadElf(ram: GuestRam, file: Uint8Array, input: BootInput): BootEntry {
  const elf = readElf(file);
  const pvh = pvhEntry(elf);
  const multiboot = hasMultibootHeader(file);
  if (!multiboot && pvh === undefined) {
    throw new GuestImageError('the ELF file has neither a multiboot 1 header nor a PVH entry note');
  }
  // Many headers of the same large segment would take for ever.
  const total = elf.segments.reduce((sum, { memorySize }) => sum + memorySize, 0);
  if (total > ram.size) throw new GuestImageError(`the ELF segments need ${total} bytes of RAM`);
  for (const { physical, memorySize, data } of elf.segments)
    ram.put(physical, data, memorySize, 'an ELF segment');
  ram.putString(PLACES.cmdline, input.cmdline, PLACES.cmdlineEnd);
  const initrd = placeInitrd(ram, endOf(elf), input.initrd);
  if (multiboot) {
    writeMultibootInfo(ram, initrd);
    return { mode: 'protected', rip: Number(elf.entry), regs: { rax: MULTIBOOT.handover, rbx: PLACES.info } };
  }
  writePvhInfo(ram, initrd, input.rsdp);
  return { mode: 'protected', rip: pvh ?? 0, regs: { rbx: PLACES.info } };
}

function readElf(file: Uint8Array): ElfImage {
  try {
    return parseElf(file);
  } catch (error) {
    throw error instanceof ElfError ? new GuestImageError(error.message) : error;
  }
}

interface Module {
  base: number;
  size: number;
}

function endOf(elf: ElfImage): number {
  return Math.max(...elf.segments.map(({ physical, memorySize }) => physical + memorySize));
}

function placeInitrd(ram: GuestRam, end: number, initrd: Uint8Array | undefined): Module | undefined {
  if (!initrd) return undefined;
  const base = Math.ceil(Math.max(end, PLACES.high) / PAGE_SIZE) * PAGE_SIZE;
  ram.put(base, initrd, initrd.length, 'the initrd');
  return { base, size: initrd.length };
}

function pvhEntry(elf: ElfImage): number | undefined {
  const note = elf.notes.find((n) => n.name === 'Xen' && n.type === XEN_ELFNOTE_PHYS32_ENTRY);
  if (!note || note.desc.length < 4) return undefined;
  return new DataView(note.desc.buffer, note.desc.byteOffset).getUint32(0, true);
}

function hasMultibootHeader(file: Uint8Array): boolean {
  const end = Math.min(file.length, MULTIBOOT.search) - 12;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 0; at <= end; at += 4) {
    const magic = view.getUint32(at, true);
    if (magic !== MULTIBOOT.header) continue;
    const sum = magic + view.getUint32(at + 4, true) + view.getUint32(at + 8, true);
    if (sum >>> 0 === 0) return true;
  }
  return false;
}

function writeMultibootInfo(ram: GuestRam, initrd: Module | undefined): void {
  const info = PLACES.info;
  const mods = info + MBI.size;
  const map = mods + 16;
  const put = (offset: number, value: number) => ram.view.setUint32(info + offset, value, true);
  ram.bytes.fill(0, info, PLACES.infoEnd);
  const ranges = memoryMap(ram.size);
  put(MBI.flags, MULTIBOOT.flagMemory | MULTIBOOT.flagCmdline | MULTIBOOT.flagMods | MULTIBOOT.flagMap);
  put(MBI.memLower, 639);
  put(MBI.memUpper, (ram.size - PLACES.high) / 1024);
  put(MBI.cmdline, PLACES.cmdline);
  put(MBI.modsCount, initrd ? 1 : 0);
  put(MBI.modsAddr, mods);
  put(MBI.mmapLength, ranges.length * 24);
  put(MBI.mmapAddr, map);
  if (initrd) {
    ram.view.setUint32(mods, initrd.base, true);
    ram.view.setUint32(mods + 4, initrd.base + initrd.size, true);
    // The module's own string: the empty one at the end of the command line.
    ram.view.setUint32(mods + 8, PLACES.cmdlineEnd, true);
    ram.bytes[PLACES.cmdlineEnd] = 0;
  }
  ranges.forEach(({ base, size, type }, i) => {
    const at = map + i * 24;
    ram.view.setUint32(at, 20, true);
    ram.view.setBigUint64(at + 4, BigInt(base), true);
    ram.view.setBigUint64(at + 12, BigInt(size), true);
    ram.view.setUint32(at + 20, type, true);
  });
}

function writePvhInfo(ram: GuestRam, initrd: Module | undefined, rsdp: number | undefined): void {
  const info = PLACES.info;
  const mods = info + PVH.size + 8;
  const map = mods + 32;
  const put = (offset: number, value: number) => ram.view.setUint32(info + offset, value, true);
  ram.bytes.fill(0, info, PLACES.infoEnd);
  const ranges = memoryMap(ram.size);
  put(PVH.magic, PVH_MAGIC);
  put(PVH.version, 1);
  put(PVH.modules, initrd ? 1 : 0);
  put(PVH.modlist, initrd ? mods : 0);
  put(PVH.cmdline, PLACES.cmdline);
  put(PVH.rsdp, rsdp ?? 0);
  put(PVH.memmap, map);
  put(PVH.memmapEntries, ranges.length);
  if (initrd) {
    ram.view.setBigUint64(mods, BigInt(initrd.base), true);
    ram.view.setBigUint64(mods + 8, BigInt(initrd.size), true);
  }
  ranges.forEach(({ base, size, type }, i) => {
    const at = map + i * 24;
    ram.view.setBigUint64(at, BigInt(base), true);
    ram.view.setBigUint64(at + 8, BigInt(size), true);
    ram.view.setUint32(at + 16, type, true);
  });
}
