import { setImmediate } from 'node:timers/promises';
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

/** Puts jobs into a queue: all that come at about the same time at once, which costs a fraction of one after the other. */
export class Adder {
  #waiting: Entry[] = [];
  #next: Promise<void> | undefined;

  constructor(private readonly queue: Pick<Queue<Payload>, 'addBulk'>) {}

  /** A job that the queue has is not put there again. */
  add(entry: Entry): Promise<void> {
    this.#waiting.push(entry);
    this.#next ??= this.#addAll();
    return this.#next;
  }

  async #addAll(): Promise<void> {
    await setImmediate();
    const entries = this.#waiting;
    this.#waiting = [];
    this.#next = undefined;
    for (let at = 0; at < entries.length; at += MOST) await this.queue.addBulk(entries.slice(at, at + MOST));
  }
}
