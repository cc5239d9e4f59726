/** One exit as the log keeps it. `where` is the port, the guest-physical address or the MSR number. */
export interface LoggedExit {
  reason: number;
  where: bigint;
  write: boolean;
  size: number;
}

const WORDS = 4;

/** The last exits of one vCPU, in a ring of typed memory: adding one allocates nothing. */
export class ExitLog {
  readonly #words: Uint32Array;
  readonly #capacity: number;
  #added = 0;

  constructor(capacity = 32) {
    this.#capacity = capacity;
    this.#words = new Uint32Array(capacity * WORDS);
  }

  /** Exits seen since creation. */
  get total(): number {
    return this.#added;
  }

  add(reason: number, whereLow: number, whereHigh: number, write: number, size: number): void {
    const at = (this.#added % this.#capacity) * WORDS;
    this.#words[at] = reason;
    this.#words[at + 1] = whereLow;
    this.#words[at + 2] = whereHigh;
    this.#words[at + 3] = (size << 1) | write;
    this.#added++;
  }

  /** Oldest first. */
  entries(): LoggedExit[] {
    const kept = Math.min(this.#added, this.#capacity);
    return Array.from({ length: kept }, (_, i) => {
      const at = ((this.#added - kept + i) % this.#capacity) * WORDS;
      const [reason = 0, low = 0, high = 0, flags = 0] = this.#words.subarray(at, at + WORDS);
      return {
        reason,
        where: (BigInt(high) << 32n) | BigInt(low),
        write: (flags & 1) === 1,
        size: flags >>> 1,
      };
    });
  }
}
