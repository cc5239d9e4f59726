import { buildPageTables } from '../../arch/page-tables.js';
import { PAGE_SIZE } from '../../arch/units.js';
import {
  BOOT_PARAMS as AT,
  isBzImage,
  LOADER_UNDEFINED,
  setupHeader,
  setupSize,
} from '../../formats/bzimage.js';
import { GuestImageError } from '../errors.js';
import type { BootEntry, BootInput } from './entry.js';
import { type GuestRam, memoryMap, PLACES } from './ram.js';

const PROTOCOL_2_12 = 0x20c;
const XLF_KERNEL_64 = 1;
/** The 64-bit entry, bytes into the protected-mode kernel. */
const ENTRY_64 = 0x200;

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
  const setup = setupSize(file);
  if (setup >= file.length) throw new GuestImageError('the bzImage ends inside its setup code');
  const kernel = Number(header.getBigUint64(AT.prefAddress, true));
  const initSize = Math.max(header.getUint32(AT.initSize, true), file.length - setup);
  ram.put(kernel, file.subarray(setup), initSize, 'the kernel');
  writeZeroPage(ram, file, header, kernel + initSize, input);
  ram.put(PLACES.pageTables, buildPageTables(PLACES.pageTables));
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
  ram.put(page + AT.setupSectors, setupHeader(file));
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
