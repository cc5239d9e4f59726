import type { BusDevice } from '../bus.js';

/** Where the parts of QEMU's test device lie, as kvm-unit-tests look for them (QEMU, hw/misc/pc-testdev.c). */
export const TEST_DEVICE = {
  dataPort: 0xe0,
  flushPort: 0xe4,
  irqPort: 0x2000,
  irqs: 24,
  memory: 0xff000000,
} as const;

/** A few bytes that keep what is written to them, little endian; accesses past the end are cut off. */
class Bytes implements BusDevice {
  readonly #bytes: Uint8Array;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  read(offset: number, size: number): number {
    let value = 0;
    for (let i = size - 1; i >= 0; i--) value = value * 256 + (this.#bytes[offset + i] ?? 0);
    return value;
  }

  write(offset: number, size: number, value: number): void {
    // A typed array drops what lies beyond it.
    for (let i = 0; i < size; i++) this.#bytes[offset + i] = value >>> (8 * i);
  }
}

/** Four ports that read back what was written to them. */
export const dataPort = (): BusDevice => new Bytes(4);

/** Memory that is a device: each access of the guest is an exit. */
export class TestMemory extends Bytes {
  static readonly size = 0x10000;

  constructor() {
    super(TestMemory.size);
  }
}

/** Four ports; a write has the hypervisor forget where it mapped guest memory. */
export function flushPort(flush: () => void): BusDevice {
  return { read: () => 0, write: flush };
}

/** One port for each pin of the I/O APIC: a write drives its line, up unless it is 0. */
export function irqPorts(setIrq: (irq: number, level: boolean) => void): BusDevice {
  return {
    read: () => 0,
    write: (offset, _size, value) => setIrq(offset, value !== 0),
  };
}
