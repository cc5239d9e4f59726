/** Pages of a memslot, where many may be all from the first on: a log that starts full costs no more than an empty one. */
export class PageSet implements Iterable<number> {
  #full: number;
  /** Pages whose membership differs from that. */
  #others = new Set<number>();

  /** @param full how many there are at first, from page 0 on */
  constructor(full = 0) {
    this.#full = full;
  }

  has(page: number): boolean {
    return page < this.#full !== this.#others.has(page);
  }

  add(page: number): void {
    this.#set(page, true);
  }

  /** @returns whether it was there */
  delete(page: number): boolean {
    const had = this.has(page);
    this.#set(page, false);
    return had;
  }

  clear(): void {
    this.#full = 0;
    this.#others.clear();
  }

  copy(): PageSet {
    const copy = new PageSet(this.#full);
    copy.#others = new Set(this.#others);
    return copy;
  }

  #set(page: number, there: boolean): void {
    if (page < this.#full === there) this.#others.delete(page);
    else this.#others.add(page);
  }

  /** In order. */
  *[Symbol.iterator](): Iterator<number> {
    const beyond = [...this.#others].filter((page) => page >= this.#full);
    for (let page = 0; page < this.#full; page++) if (!this.#others.has(page)) yield page;
    yield* beyond.sort((a, b) => a - b);
  }
}
