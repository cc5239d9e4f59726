import { statSync, utimesSync } from 'node:fs';
import type { Objects } from './objects.js';

/** A file's time may be so much behind the clock. */
const CLOCK_MS = 100;

/** A job that runs, with the files that it needs. */
interface Use {
  needs: readonly string[];
  since: number;
}

/** Objects that jobs share, of which those that were used the longest time ago go when they are too many. */
export class ObjectCache {
  readonly #uses = new Set<Use>();
  /** What is here for its own sake: all else that is new may be what a job has made and not given back yet. */
  readonly #settled = new Set<string>();

  constructor(
    readonly objects: Objects,
    private readonly mostBytes: number,
  ) {}

  /** A job begins: what it needs stays until it ends. */
  begin(needs: readonly string[]): Use {
    const use = { needs, since: Date.now() };
    this.#uses.add(use);
    return use;
  }

  /** What a job needs is here: it is used now. */
  used({ needs }: Use): void {
    const now = new Date();
    for (const hash of needs) utimesSync(this.objects.path(hash), now, now);
  }

  /**
   * A job has ended.
   * @param made files that it has made, and given back
   * @returns bytes that are kept, undefined where nothing has changed
   */
  end(use: Use, made: readonly string[]): number | undefined {
    this.#uses.delete(use);
    for (const hash of [...use.needs, ...made]) this.#settled.add(hash);
    return use.needs.length + made.length === 0 ? undefined : this.#makeRoom();
  }

  #makeRoom(): number {
    const files = this.#files();
    const needed = new Set([...this.#uses].flatMap(({ needs }) => needs));
    const oldest = [...this.#uses].reduce(
      (least, { since }) => Math.min(least, since),
      Number.POSITIVE_INFINITY,
    );
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { hash, size, used } of files) {
      if (total <= this.mostBytes) break;
      const isDone = this.#settled.has(hash) || used < oldest - CLOCK_MS;
      if (needed.has(hash) || !isDone) continue;
      this.objects.remove(hash);
      this.#settled.delete(hash);
      total -= size;
    }
    return total;
  }

  /** All files, the one first that was used the longest time ago. */
  #files(): { hash: string; size: number; used: number }[] {
    return this.objects
      .all()
      .flatMap((hash) => {
        const info = statSync(this.objects.path(hash), { throwIfNoEntry: false });
        return info === undefined ? [] : [{ hash, size: info.size, used: info.mtimeMs }];
      })
      .sort((a, b) => a.used - b.used);
  }
}
