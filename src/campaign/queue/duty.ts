import { setTimeout as sleep } from 'node:timers/promises';
import { LOSS_WORDS } from '../run/losses.js';
import type { Loss } from '../store/records.js';
import type { Gate } from './gate.js';

/** When a worker takes jobs. */
export interface DutyOptions {
  /** Why it cannot be trusted with jobs, undefined if it can. */
  prove: () => Promise<string | undefined>;
  /** The first wait before it is tried again; each is twice as long as the one before. */
  restMs: number;
  signal: AbortSignal;
  tell: (text: string) => void;
}

const MOST_REST_MS = 600_000;

/**
 * Keeps a worker from jobs while its machine is in trouble, so that it does not take one after the other and bring none to a result:
 * it has to prove itself anew.
 */
export class Duty {
  readonly #gates: Gate[] = [];
  /** Why it takes no jobs now. */
  trouble: string | undefined;

  constructor(private readonly o: DutyOptions) {}

  add(gate: Gate): void {
    this.#gates.push(gate);
  }

  /** Take no more jobs until the proof succeeds. Those that run go on. */
  readonly rest = async (loss: Loss): Promise<void> => {
    if (this.trouble !== undefined) return;
    this.trouble = LOSS_WORDS[loss];
    this.o.tell(`takes no jobs: ${this.trouble}`);
    await Promise.all(this.#gates.map((gate) => gate.shut(this)));
    this.#recover().catch(() => {});
  };

  async #recover(): Promise<void> {
    const { signal, tell, prove } = this.o;
    for (let wait = this.o.restMs; ; wait = Math.min(MOST_REST_MS, wait * 2)) {
      await sleep(wait, undefined, { signal });
      const why = await prove();
      if (why === undefined) break;
      this.trouble = why;
      tell(`takes no jobs: ${why}`);
    }
    this.trouble = undefined;
    tell('takes jobs again');
    for (const gate of this.#gates) gate.open(this);
  }

  /** Take no more jobs, and wait for those that run. */
  async end(): Promise<void> {
    await Promise.allSettled(this.#gates.map((gate) => gate.close()));
  }
}
