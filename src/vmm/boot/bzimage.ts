import { PAGE_SIZE } from '../../arch/units.js';
import { GuestImageError } from '../elf.js';
import type { BootEntry, BootInput } from './entry.js';
import { type GuestRam, memoryMap, PLACES } from './ram.js';

/** Offsets in the setup header and the zero page (Linux, Documentation/arch/x86/boot.rst and zero-page.rst). */
const AT = {
  rsdp: 0x070,
  e820Entries: 0x1e8,
  header: 0x1f1,
  bootFlag: 0x1fe,
  headerLength: 0x201,
  magic: 0x202,
  version: 0x206,
  loader: 0x210,
  loadFlags: 0x211,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  cmdline: 0x228,
  initrdMax: 0x22c,
  relocatable: 0x234,
  xloadFlags: 0x236,
  cmdlineSize: 0x238,
  prefAddress: 0x258,
  initSize: 0x260,
  e820: 0x2d0,
} as const;

const HDRS = 0x53726448;
const PROTOCOL_2_12 = 0x20c;
const XLF_KERNEL_64 = 1;
const LOADER_UNDEFINED = 0xff;
/** The 64-bit entry, bytes into the protected-mode kernel. */
const ENTRY_64 = 0x200;

/** Whether a file is a bzImage. */
export function isBzImage(file: Uint8Array): boolean {
  if (file.length < 0x268) return false;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  return view.getUint16(AT.bootFlag, true) === 0xaa55 && view.getUint32(AT.magic, true) === HDRS;
}

/**
 * Load a Linux bzImage by the 64-bit boot protocol: zero page, command line, initrd as high as the kernel takes it,
 * identity page tables for the low 4 GiB.
 * @throws GuestImageError if the kernel has no 64-bit entry or does not fit the RAM
 */
export function loadBzImage(ram: GuestRam, file: Uint8Array, input: BootInput): BootEntry {
  const header = new DataView(file.buffer, file.byteOffset, file.byteLength);
  if (!isBzImage(file)) throw new GuestImageError('not a bzImage');
  if (
    header.getUint16(AT.version, true) < PROTOCOL_2_12 ||
    (header.getUint16(AT.xloadFlags, true) & XLF_KERNEL_64) === 0
  ) {
    throw new GuestImageError('the bzImage has no 64-bit entry (boot protocol 2.12)');
  }
  const setupSize = ((file[AT.header] || 4) + 1) * 512;
  if (setupSize >= file.length) throw new GuestImageError('the bzImage ends inside its setup code');
  const kernel = Number(header.getBigUint64(AT.prefAddress, true));
  const initSize = Math.max(header.getUint32(AT.initSize, true), file.length - setupSize);
  ram.put(kernel, file.subarray(setupSize), initSize, 'the kernel');
  writeZeroPage(ram, file, header, kernel + initSize, input);
  writeIdentityTables(ram);
  return { mode: 'long', rip: kernel + ENTRY_64, regs: { rsi: PLACES.zeroPage, rsp: PLACES.stack } };
}

function writeZeroPage(
  ram: GuestRam,
  file: Uint8Array,
  header: DataView,
  kernelEnd: number,
  input: BootInput,
): void {
  const page = PLACES.zeroPage;
  ram.bytes.fill(0, page, page + PAGE_SIZE);
  const headerEnd = Math.min(AT.magic + (file[AT.headerLength] ?? 0), 0x290);
  ram.put(page + AT.header, file.subarray(AT.header, headerEnd));
  const room = header.getUint32(AT.cmdlineSize, true);
  if (Buffer.byteLength(input.cmdline) > room) {
    throw new GuestImageError(`the kernel takes a command line of at most ${room} bytes`);
  }
  ram.putString(PLACES.cmdline, input.cmdline, PLACES.cmdlineEnd);
  ram.bytes[page + AT.loader] = LOADER_UNDEFINED;
  ram.view.setUint32(page + AT.cmdline, PLACES.cmdline, true);
  ram.view.setBigUint64(page + AT.rsdp, BigInt(input.rsdp ?? 0), true);
  if (input.initrd) {
    const limit = Math.min(ram.size, header.getUint32(AT.initrdMax, true) + 1);
    const base = Math.floor((limit - input.initrd.length) / PAGE_SIZE) * PAGE_SIZE;
    if (base < kernelEnd) throw new GuestImageError('the initrd does not fit above the kernel');
    ram.put(base, input.initrd);
    ram.view.setUint32(page + AT.ramdiskImage, base, true);
    ram.view.setUint32(page + AT.ramdiskSize, input.initrd.length, true);
  }
  const ranges = memoryMap(ram.size);
  ram.bytes[page + AT.e820Entries] = ranges.length;
  ranges.forEach(({ base, size, type }, i) => {
    const at = page + AT.e820 + i * 20;
    ram.view.setBigUint64(at, BigInt(base), true);
    ram.view.setBigUint64(at + 8, BigInt(size), true);
    ram.view.setUint32(at + 16, type, true);
  });
}

function writeIdentityTables(ram: GuestRam): void {
  const pml4 = PLACES.pageTables;
  ram.bytes.fill(0, pml4, PLACES.pageTablesEnd);
  const put = (gpa: number, value: number) => ram.view.setUint32(gpa, value, true);
  put(pml4, (pml4 + PAGE_SIZE) | 3);
  for (let gib = 0; gib < 4; gib++) {
    const pd = pml4 + (2 + gib) * PAGE_SIZE;
    put(pml4 + PAGE_SIZE + gib * 8, pd | 3);
    for (let i = 0; i < 512; i++) put(pd + i * 8, (((gib * 512 + i) << 21) | 0x83) >>> 0);
  }
}
