import { ALL_GFNS, type GfnRange } from '../arch/units.js';

/** Calls of kvm_zap_gfn_range(), or leaves that went without one, for one reason. */
export interface ZapSum {
  readonly cause: string;
  calls: number;
  leaves: number;
  /** Microseconds within the calls. */
  us: number;
}

/** A zap that the model says must follow, or may. */
export interface ExpectedZap {
  readonly cause: string;
  readonly range: GfnRange;
  readonly must: boolean;
  /** How many changes of registers came before it. */
  readonly epoch: number;
}

interface Call {
  readonly cause: string;
  readonly at: number;
  leaves: number;
}

/** What no register of the guest is the cause of: pages that the host takes back, APIC pages, and the like. */
const OTHER = 'KVM or the host’s memory';

const text = ({ start, end }: GfnRange): string =>
  start === ALL_GFNS.start && end === ALL_GFNS.end
    ? 'all frames'
    : `frames 0x${start.toString(16)} to 0x${end.toString(16)}`;

/** Follows zaps by thread: why each came, what it took away, how long it took. */
export class Zaps {
  readonly #sums = new Map<string, ZapSum>();
  readonly #open = new Map<number, Call>();
  readonly #expected = new Map<number, ExpectedZap>();
  /** Zaps that the model expected and that did not come: of what, by which cause. */
  readonly missing: { readonly cause: string; readonly frames: string; readonly epoch: number }[] = [];

  /** By cause, the dearest first. */
  sums(): ZapSum[] {
    return [...this.#sums.values()].sort((a, b) => b.us - a.us || b.leaves - a.leaves);
  }

  /** The model says that this thread is about to zap; undefined: that it is not, for this reason. */
  expect(tid: number, zap: ExpectedZap | undefined): void {
    const before = this.#expected.get(tid);
    if (before?.must === true)
      this.missing.push({ cause: before.cause, frames: text(before.range), epoch: before.epoch });
    if (zap === undefined) this.#expected.delete(tid);
    else this.#expected.set(tid, zap);
  }

  /** A call begins. @returns its cause */
  begin(tid: number, at: number, range: GfnRange): string {
    const expected = this.#expected.get(tid);
    const isExpected = expected?.range.start === range.start && expected.range.end === range.end;
    if (isExpected) this.#expected.delete(tid);
    const cause = isExpected ? expected.cause : OTHER;
    this.#open.set(tid, { cause, at, leaves: 0 });
    return cause;
  }

  /** A call is over. @returns it, if its beginning was seen */
  end(tid: number, at: number): { cause: string; leaves: number; us: number } | undefined {
    const call = this.#open.get(tid);
    if (call === undefined) return undefined;
    this.#open.delete(tid);
    const sum = this.#sumOf(call.cause);
    const us = at - call.at;
    sum.calls++;
    sum.us += us;
    return { cause: call.cause, leaves: call.leaves, us };
  }

  /** Leaves went on a thread. @param cause if it is known, and no call is open */
  gone(tid: number, leaves: number, cause = OTHER): void {
    const call = this.#open.get(tid);
    if (call !== undefined) call.leaves += leaves;
    this.#sumOf(call?.cause ?? cause).leaves += leaves;
  }

  /** What was to come may have come unseen. */
  forget(): void {
    this.#open.clear();
    this.#expected.clear();
  }

  #sumOf(cause: string): ZapSum {
    const known = this.#sums.get(cause);
    if (known !== undefined) return known;
    const sum = { cause, calls: 0, leaves: 0, us: 0 };
    this.#sums.set(cause, sum);
    return sum;
  }
}

/** As the trace tells it: KVM gives the highest frame that it can for "to the end". */
export const clamped = ({ start, end }: GfnRange): GfnRange => ({ start, end: Math.min(end, ALL_GFNS.end) });
