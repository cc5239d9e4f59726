import { setTimeout as sleep } from 'node:timers/promises';
import type { BulkJobOptions, Queue } from 'bullmq';
import type { Payload } from './protocol.js';

/** A job on its way into the queue. */
interface Entry {
  name: string;
  data: Payload;
  opts: BulkJobOptions;
}

/** Most jobs of one question: they are one piece of work for the server. */
const MOST = 500;

/**
 * Puts jobs into a queue, all at once that come at about the same time or while others are put there: a question costs the server much, each
 * job of it little.
 */
export class Adder {
  #waiting: Entry[] = [];
  /** Puts there what waits. */
  #next: Promise<void> | undefined;
  /** Puts there what does not wait any more. */
  #now: Promise<unknown> = Promise.resolve();

  /** @param gatherMs how long it waits for more, in milliseconds */
  constructor(
    private readonly queue: Pick<Queue<Payload>, 'addBulk'>,
    private readonly gatherMs: number,
  ) {}

  /** A job that the queue has is not put there again. */
  add(entry: Entry): Promise<void> {
    this.#waiting.push(entry);
    this.#next ??= this.#addAll();
    return this.#next;
  }

  async #addAll(): Promise<void> {
    await Promise.all([this.#now, sleep(this.gatherMs)]);
    const entries = this.#waiting;
    const added = this.#put(entries);
    this.#waiting = [];
    this.#next = undefined;
    this.#now = added.catch(() => {}); // Those who wait for it are told.
    await added;
  }

  async #put(entries: readonly Entry[]): Promise<void> {
    for (let at = 0; at < entries.length; at += MOST) await this.queue.addBulk(entries.slice(at, at + MOST));
  }
}
