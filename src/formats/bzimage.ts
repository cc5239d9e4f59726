/**
 * Offsets in a bzImage, and in struct boot_params (the zero page), where the setup header lies at the same place: Linux,
 * Documentation/arch/x86/boot.rst and zero-page.rst.
 */
export const BOOT_PARAMS = {
  rsdp: 0x070,
  e820Entries: 0x1e8,
  setupSectors: 0x1f1,
  systemSize: 0x1f4,
  bootFlag: 0x1fe,
  headerLength: 0x201,
  magic: 0x202,
  version: 0x206,
  kernelVersion: 0x20e,
  loader: 0x210,
  loadFlags: 0x211,
  ramdiskImage: 0x218,
  ramdiskSize: 0x21c,
  cmdline: 0x228,
  initrdMax: 0x22c,
  xloadFlags: 0x236,
  cmdlineSize: 0x238,
  payloadOffset: 0x248,
  payloadLength: 0x24c,
  prefAddress: 0x258,
  initSize: 0x260,
  e820: 0x2d0,
} as const;

const HDRS = 0x53726448;
const BOOT_FLAG = 0xaa55;
/** A file must reach as far as the last field of the header that we read. */
const HEADER_END = 0x268;
/** The header may grow up to here in struct boot_params. */
const HEADER_LIMIT = 0x290;
const SECTOR = 512;

/** What a loader that has no number of its own writes into `loader`. */
export const LOADER_UNDEFINED = 0xff;

/** Whether a file is a bzImage. */
export function isBzImage(file: Uint8Array): boolean {
  if (file.length < HEADER_END) return false;
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  return (
    view.getUint16(BOOT_PARAMS.bootFlag, true) === BOOT_FLAG &&
    view.getUint32(BOOT_PARAMS.magic, true) === HDRS
  );
}

/** Bytes of a bzImage that come before the protected-mode kernel. */
export function setupSize(file: Uint8Array): number {
  return ((file[BOOT_PARAMS.setupSectors] || 4) + 1) * SECTOR;
}

/** The setup header of a bzImage: it belongs into the zero page at BOOT_PARAMS.setupSectors. */
export function setupHeader(file: Uint8Array): Uint8Array {
  const end = BOOT_PARAMS.magic + (file[BOOT_PARAMS.headerLength] ?? 0);
  return file.subarray(BOOT_PARAMS.setupSectors, Math.min(end, HEADER_LIMIT));
}
