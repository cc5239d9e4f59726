import { PM, RESET } from '../acpi/tables.js';
import type { BusDevice } from '../bus.js';

/** PM1a registers: status and enable that never change, control that turns the machine off. Eight ports. */
export class PowerManagement implements BusDevice {
  readonly #off: () => void;
  #enable = 0;

  /** @param off called when the guest enters S5 */
  constructor(off: () => void) {
    this.#off = off;
  }

  read(offset: number, _size: number): number {
    if (offset === 2) return this.#enable;
    // SCI_EN is always set: there is no SMI to ask for it.
    return offset === PM.controlPort - PM.eventPort ? 1 : 0;
  }

  write(offset: number, _size: number, value: number): void {
    if (offset === 2) this.#enable = value & 0xffff;
    const sleepEnable = value & 0x2000;
    const sleepType = (value >> 10) & 7;
    if (offset === PM.controlPort - PM.eventPort && sleepEnable && sleepType === PM.sleepType) this.#off();
  }
}

/** The reset line of the keyboard controller, as its command port drives it. */
export function resetPort(reset: () => void): BusDevice {
  return {
    read: () => 0,
    write: (_offset, _size, value) => {
      if (value === RESET.value) reset();
    },
  };
}
