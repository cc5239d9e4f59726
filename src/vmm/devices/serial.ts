import type { BusDevice } from '../bus.js';

const IER_RECEIVE = 1;
const IER_TRANSMIT = 2;
const LCR_DLAB = 0x80;
const MCR_OUT2 = 8;
const MCR_LOOP = 0x10;
const LSR_DATA = 1;
const LSR_EMPTY = 0x60;
const MSR_CTS_DSR_DCD = 0xb0;
const IIR_NONE = 1;
const IIR_TRANSMIT = 2;
const IIR_RECEIVE = 4;
const IIR_FIFO = 0xc0;
const FCR_ENABLE = 1;

/** A 16550A UART that sends at once and receives nothing but its own loopback. Eight ports, byte accesses. */
export class Serial16550 implements BusDevice {
  readonly #send: (byte: number) => void;
  readonly #setIrq: (level: boolean) => void;
  readonly #registers = { ier: 0, fcr: 0, lcr: 3, mcr: 0, scratch: 0, divisor: 12 };
  #received = -1;
  #transmitPending = false;
  #level = false;

  /**
   * A UART as after a reset.
   * @param send takes each byte that the guest sends
   * @param setIrq drives the interrupt line; called on changes only
   */
  constructor(send: (byte: number) => void, setIrq: (level: boolean) => void = () => {}) {
    this.#send = send;
    this.#setIrq = setIrq;
  }

  /** Read a register. */
  read(offset: number, _size: number): number {
    const r = this.#registers;
    const latch = (r.lcr & LCR_DLAB) !== 0;
    switch (offset) {
      case 0:
        return latch ? r.divisor & 0xff : this.#receive();
      case 1:
        return latch ? r.divisor >> 8 : r.ier;
      case 2:
        return this.#identify();
      case 3:
        return r.lcr;
      case 4:
        return r.mcr;
      case 5:
        return LSR_EMPTY | (this.#received >= 0 ? LSR_DATA : 0);
      case 6:
        return this.#modemStatus();
      default:
        return r.scratch;
    }
  }

  /** Write a register. */
  write(offset: number, _size: number, value: number): void {
    const r = this.#registers;
    const byte = value & 0xff;
    const latch = (r.lcr & LCR_DLAB) !== 0;
    if (offset === 0 && latch) r.divisor = (r.divisor & 0xff00) | byte;
    else if (offset === 0) this.#transmit(byte);
    else if (offset === 1 && latch) r.divisor = (r.divisor & 0xff) | (byte << 8);
    else if (offset === 1) this.#enable(byte & 0xf);
    else if (offset === 2) r.fcr = byte;
    else if (offset === 3) r.lcr = byte;
    else if (offset === 4) r.mcr = byte & 0x1f;
    else if (offset === 7) r.scratch = byte;
    this.#update();
  }

  #receive(): number {
    const byte = Math.max(this.#received, 0);
    this.#received = -1;
    this.#update();
    return byte;
  }

  #transmit(byte: number): void {
    if (this.#registers.mcr & MCR_LOOP) this.#received = byte;
    else this.#send(byte);
    this.#transmitPending = true;
  }

  // Enabling the interrupt while the holding register is empty raises it.
  #enable(ier: number): void {
    if (ier & ~this.#registers.ier & IER_TRANSMIT) this.#transmitPending = true;
    this.#registers.ier = ier;
  }

  #pending(): number {
    const { ier } = this.#registers;
    if (ier & IER_RECEIVE && this.#received >= 0) return IIR_RECEIVE;
    return ier & IER_TRANSMIT && this.#transmitPending ? IIR_TRANSMIT : IIR_NONE;
  }

  #identify(): number {
    const id = this.#pending();
    if (id === IIR_TRANSMIT) {
      this.#transmitPending = false;
      this.#update();
    }
    return id | (this.#registers.fcr & FCR_ENABLE ? IIR_FIFO : 0);
  }

  #modemStatus(): number {
    const { mcr } = this.#registers;
    if (!(mcr & MCR_LOOP)) return MSR_CTS_DSR_DCD;
    // In loopback RTS, DTR, OUT1 and OUT2 come back as CTS, DSR, RI and DCD.
    return ((mcr & 2) << 3) | ((mcr & 1) << 5) | ((mcr & 4) << 4) | ((mcr & 8) << 4);
  }

  #update(): void {
    const level = this.#pending() !== IIR_NONE && (this.#registers.mcr & MCR_OUT2) !== 0;
    if (level === this.#level) return;
    this.#level = level;
    this.#setIrq(level);
  }
}
