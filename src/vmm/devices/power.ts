import { PM, RESET } from '../acpi/tables.js';
import type { BusDevice } from '../bus.js';

/** System Control Port A: the number of the port, and its bits. */
export const CONTROL_PORT = { port: 0x92, reset: 1, a20: 2 } as const;

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

/** The fast reset line of System Control Port A, port 0x92, beside the A20 line, which is on whatever is written. */
export class SystemControlPort implements BusDevice {
  readonly #reset: () => void;
  #value: number = CONTROL_PORT.a20;

  /** @param reset called when the guest sets the reset bit */
  constructor(reset: () => void) {
    this.#reset = reset;
  }

  read(_offset: number, _size: number): number {
    return this.#value;
  }

  write(_offset: number, _size: number, value: number): void {
    const rises = value & ~this.#value & CONTROL_PORT.reset;
    this.#value = value & 0xff;
    if (rises) this.#reset();
  }
}
