import { GuestImageError } from '../errors.js';

/** Fixed places of what a loader hands over, all below 640 KiB: gpa in bytes. */
export const PLACES = {
  // Page 2 stays free: kvm-unit-tests keep there what lasts over a reset, and want it zero at first.
  gdt: 0x1000,
  info: 0x3000,
  infoEnd: 0x7000,
  zeroPage: 0x7000,
  pageTables: 0x8000,
  pageTablesEnd: 0xe000,
  stack: 0x1f000,
  cmdline: 0x20000,
  cmdlineEnd: 0x30000,
  acpi: 0xe0000,
  acpiEnd: 0x100000,
  high: 0x100000,
} as const;

/** A range of the guest's memory map; type 1 is RAM, 2 reserved (as e820, multiboot and PVH number them). */
export interface MapRange {
  base: number;
  size: number;
  type: 1 | 2;
}

/** The memory map of a machine with RAM from gpa 0: a PC's holes below 1 MiB are reserved. */
export function memoryMap(ramSize: number): MapRange[] {
  const ranges: MapRange[] = [
    { base: 0, size: 0x9fc00, type: 1 },
    { base: 0x9fc00, size: 0x400, type: 2 },
    { base: 0xe0000, size: 0x20000, type: 2 },
    { base: PLACES.high, size: ramSize - PLACES.high, type: 1 },
  ];
  return ranges.filter(({ size }) => size > 0);
}

/** Guest RAM as the loaders write it: bounds-checked, little endian. */
export class GuestRam {
  readonly bytes: Uint8Array;
  readonly view: DataView;

  constructor(
    buffer: ArrayBuffer,
    readonly size: number,
  ) {
    this.bytes = new Uint8Array(buffer, 0, size);
    this.view = new DataView(buffer, 0, size);
  }

  /**
   * Copy bytes to a gpa, zeros after them up to `memSize` bytes.
   * @throws GuestImageError if they do not fit
   */
  put(gpa: number, data: Uint8Array, memSize: number = data.length, what = 'the image'): void {
    if (!Number.isSafeInteger(gpa) || gpa < 0 || memSize < data.length || gpa + memSize > this.size) {
      throw new GuestImageError(
        `${what} needs [0x${gpa.toString(16)}, 0x${(gpa + memSize).toString(16)}), RAM ends at 0x${this.size.toString(16)}`,
      );
    }
    this.bytes.set(data, gpa);
    this.bytes.fill(0, gpa + data.length, gpa + memSize);
  }

  /** Copy a string and its closing zero, at most up to `end`. */
  putString(gpa: number, text: string, end: number): void {
    const data = Buffer.from(`${text}\0`, 'utf8');
    if (gpa + data.length > end) throw new GuestImageError(`a string of ${data.length} bytes is too long`);
    this.put(gpa, data);
  }
}
