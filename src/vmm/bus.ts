/**
 * A device on the PIO or the MMIO bus. `offset` is relative to the range it was registered with, `size` is 1, 2
 * or 4 bytes, values are unsigned. An 8-byte MMIO access arrives as two 4-byte ones, low half first.
 */
export interface BusDevice {
  /** What an access reads. */
  read(offset: number, size: number): number;
  /** Take what an access writes. */
  write(offset: number, size: number, value: number): void;
}

/** Two ranges overlap, or a range is empty or not below 2^53. */
export class BusRangeError extends RangeError {
  readonly code = 'VMM_BUS_RANGE';
  override readonly name = 'BusRangeError';
}

interface Range {
  base: number;
  end: number;
  device: BusDevice;
}

/** What answers where nobody else does: reads are all ones, as on a PC's bus, writes go nowhere. */
const NOBODY: BusDevice = {
  read: (_, size) => (size === 4 ? 0xffffffff : (1 << (size * 8)) - 1),
  write: () => {},
};

/** Address ranges and the devices behind them: ports 0 to 0xffff, or guest-physical addresses below 2^53. */
export class Bus {
  readonly #ranges: Range[] = [];
  #last: Range = { base: 0, end: 0, device: NOBODY };
  /** Accesses that no device answered. */
  unclaimed = 0;

  /**
   * Put `device` at [base, base + size).
   * @throws BusRangeError if the range is empty, out of bounds or taken
   */
  register(base: number, size: number, device: BusDevice): void {
    const end = base + size;
    if (!Number.isSafeInteger(base) || !Number.isSafeInteger(end) || base < 0 || size <= 0) {
      throw new BusRangeError(`bad bus range: base ${base}, size ${size}`);
    }
    if (this.#ranges.some((r) => base < r.end && r.base < end)) {
      throw new BusRangeError(`bus range 0x${base.toString(16)}, size ${size}, is taken`);
    }
    this.#ranges.push({ base, end, device });
  }

  /** Read from the device at an address; all ones where there is none. */
  read(address: number, size: number): number {
    const range = this.#find(address);
    return range ? range.device.read(address - range.base, size) : this.#nobody(size);
  }

  /** Write to the device at an address, if there is one. */
  write(address: number, size: number, value: number): void {
    const range = this.#find(address);
    if (range) range.device.write(address - range.base, size, value);
    else this.unclaimed++;
  }

  #nobody(size: number): number {
    this.unclaimed++;
    return NOBODY.read(0, size);
  }

  // Few ranges, and nearly always the one of the access before: no index is worth its upkeep.
  #find(address: number): Range | undefined {
    const last = this.#last;
    if (address >= last.base && address < last.end) return last;
    for (const range of this.#ranges) {
      if (address >= range.base && address < range.end) {
        this.#last = range;
        return range;
      }
    }
    return undefined;
  }
}
