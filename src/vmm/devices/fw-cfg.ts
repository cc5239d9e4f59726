import type { BusDevice } from '../bus.js';

/** Where the selector (2 bytes wide) and the data port (one byte) lie. */
export const FW_CFG_PORT = 0x510;

/** Keys that have a value here (QEMU, docs/specs/fw_cfg and include/standard-headers/linux/qemu_fw_cfg.h). */
export const FW_CFG_KEYS = {
  signature: 0x00,
  interface: 0x01,
  ramSize: 0x03,
  cpus: 0x05,
  maxCpus: 0x0f,
  files: 0x19,
} as const;

const SELECTOR = 0;
const DATA = 1;
/** The interface by ports, without DMA. */
const TRADITIONAL = 1;

/** What QEMU's fw_cfg tells of a PC: `memory` in bytes. */
export function fwCfgItems(o: { cpus: number; memory: number }): ReadonlyMap<number, Uint8Array> {
  const number = (bytes: number, value: number): Uint8Array =>
    new Uint8Array(BigUint64Array.of(BigInt(value)).buffer, 0, bytes);
  return new Map([
    [FW_CFG_KEYS.signature, Buffer.from('QEMU')],
    [FW_CFG_KEYS.interface, number(4, TRADITIONAL)],
    [FW_CFG_KEYS.ramSize, number(8, o.memory)],
    [FW_CFG_KEYS.cpus, number(2, o.cpus)],
    [FW_CFG_KEYS.maxCpus, number(2, o.cpus)],
    [FW_CFG_KEYS.files, number(4, 0)],
  ]);
}

const NOTHING = new Uint8Array(0);

/**
 * QEMU's fw_cfg by ports: a guest writes a key, then reads the value a byte at a time. Unknown keys are empty, and zeros
 * follow the last byte of each value. Two ports.
 */
export class FwCfg implements BusDevice {
  readonly #items: ReadonlyMap<number, Uint8Array>;
  #value: Uint8Array = NOTHING;
  #at = 0;

  constructor(items: ReadonlyMap<number, Uint8Array>) {
    this.#items = items;
  }

  read(offset: number, size: number): number {
    if (offset !== DATA || size !== 1) return 0;
    return this.#value[this.#at++] ?? 0;
  }

  write(offset: number, size: number, value: number): void {
    if (offset !== SELECTOR || size !== 2) return;
    this.#value = this.#items.get(value) ?? NOTHING;
    this.#at = 0;
  }
}
