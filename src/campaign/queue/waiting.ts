import { LABELS, type Label } from './protocol.js';
import type { Found } from './server/types.js';

/** Jobs are looked for this often beside the events that tell of them: events can be lost while the server is away. */
const POLL_MS = 5_000;
/** Where events do not tell of all, one that tells of a job has others looked for after this time. */
const SWEEP_MS = 200;
/** Looking takes one part in so many of the time at most, however many jobs wait. */
const REST = 10;
/** Most jobs of one question. */
const MOST_IDS = 1000;

/** A job that is in the queue. */
export interface WaitingJob {
  label: Label;
  settle: (value: unknown) => void;
  fail: (text: string) => void;
  /** The server has lost it. */
  again: () => Promise<void>;
  onProgress: (count: { done: number; total: number }) => void;
}

function countOf(data: unknown): { done: number; total: number } | undefined {
  const { done, total } = (data ?? {}) as { done?: unknown; total?: unknown };
  return typeof done === 'number' && typeof total === 'number' ? { done, total } : undefined;
}

/** Jobs that are in the queue, until they have ended. */
export class Waiting {
  /** With the time at which each was put there or was looked for last. */
  readonly #jobs = new Map<string, WaitingJob & { at: number }>();
  readonly #timer: NodeJS.Timeout;
  #sweep: NodeJS.Timeout | undefined;
  /** No sweep before this time. */
  #notBefore = 0;

  /**
   * @param find what the server knows of jobs with a label
   * @param tellsAll whether its events tell of every job that ends while it is there
   */
  constructor(
    private readonly find: (label: Label, ids: readonly string[]) => Promise<Map<string, Found>>,
    private readonly tellsAll: boolean,
  ) {
    this.#timer = setInterval(() => void this.#poll().catch(() => {}), POLL_MS);
  }

  add(id: string, job: WaitingJob): void {
    this.#jobs.set(id, { ...job, at: Date.now() });
  }

  delete(id: string): void {
    this.#jobs.delete(id);
  }

  completed(id: string, value: unknown): void {
    this.#jobs.get(id)?.settle(value);
    this.stir();
  }

  failed(id: string, text: string): void {
    this.#jobs.get(id)?.fail(text);
    this.stir();
  }

  progress(id: string, data: unknown): void {
    const count = countOf(data);
    if (count !== undefined) this.#jobs.get(id)?.onProgress(count);
  }

  /** Something was told of a job: look for those of which nothing was told at the same time. */
  stir(): void {
    if (this.tellsAll || this.#sweep !== undefined) return;
    const wait = Math.max(SWEEP_MS, this.#notBefore - Date.now());
    this.#sweep = setTimeout(() => {
      const began = Date.now();
      this.#look([...this.#jobs.keys()], false)
        .catch(() => {})
        .finally(() => {
          this.#notBefore = Date.now() + REST * (Date.now() - began);
          this.#sweep = undefined;
        });
    }, wait);
  }

  /** Look for what no event has told of in all this time. */
  async #poll(): Promise<void> {
    const now = Date.now();
    const old = [...this.#jobs].filter(([, { at }]) => now - at >= POLL_MS);
    for (const [, job] of old) job.at = now;
    await this.#look(
      old.map(([id]) => id),
      true,
    );
  }

  /** @param putsAgain whether what the server does not know is put there again: not if it may be on its way there */
  async #look(ids: readonly string[], putsAgain: boolean): Promise<void> {
    for (const label of LABELS) {
      const own = ids.filter((id) => this.#jobs.get(id)?.label === label);
      for (let at = 0; at < own.length; at += MOST_IDS) {
        const some = own.slice(at, at + MOST_IDS);
        const found = await this.find(label, some);
        for (const id of some) await this.#take(id, found.get(id), putsAgain);
      }
    }
  }

  async #take(id: string, found: Found | undefined, putsAgain: boolean): Promise<void> {
    const job = this.#jobs.get(id);
    if (found?.state === 'completed') job?.settle(found.value);
    else if (found?.state === 'failed') job?.fail(found.text);
    else if (found === undefined && putsAgain) await job?.again();
  }

  close(): void {
    clearInterval(this.#timer);
    clearTimeout(this.#sweep);
  }
}
