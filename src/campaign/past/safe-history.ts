import type { Took } from '../jobs/estimate.js';
import type { Entry, History, PastRun } from './history.js';
import type { Past } from './past.js';

/** Asks an index, and the files once it does not answer: a server can go at any moment. */
export class SafeHistory implements History {
  #asked: History;

  /** @param onFail told why the index does not answer; throws if that is no reason to ask the files */
  constructor(
    private readonly index: History,
    private readonly files: History,
    private readonly onFail: (error: unknown) => void,
  ) {
    this.#asked = index;
  }

  async #ask<T>(question: (history: History) => Promise<T>): Promise<T> {
    try {
      return await question(this.#asked);
    } catch (error) {
      if (this.#asked === this.files) throw error;
      this.onFail(error);
      this.#asked = this.files;
      return question(this.files);
    }
  }

  past(number: number): Promise<Past> {
    return this.#ask((history) => history.past(number));
  }

  took(): Promise<Took[]> {
    return this.#ask((history) => history.took());
  }

  runs(): Promise<PastRun[]> {
    return this.#ask((history) => history.runs());
  }

  entries(o: { all: boolean }): Promise<Entry[]> {
    return this.#ask((history) => history.entries(o));
  }

  /** All was told: a server that does not take the end well costs nothing more. */
  async close(): Promise<void> {
    await this.index.close().catch(() => {});
  }
}
