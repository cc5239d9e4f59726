/** What the host does with pages of a piece of its memory, `first` counted from the start of that. */
export interface HostPageChange {
  op: 'discard' | 'unmap' | 'protect' | 'unprotect';
  /** Which piece, by a number. */
  memory: number;
  first: number;
  npages: number;
}

/** What may be done with a page. */
export type HostAccess = 'write' | 'read' | 'none';

/** What the host lets others do with its pages: all but those that it unmapped or protected may be written. */
export class HostPages {
  readonly #access = new Map<string, HostAccess>();

  constructor(from?: HostPages) {
    if (from !== undefined) this.#access = new Map(from.#access);
  }

  change({ op, memory, first, npages }: HostPageChange): void {
    if (op === 'discard') return;
    for (let page = first; page < first + npages; page++) {
      const key = `${memory} ${page}`;
      if (op === 'unprotect') this.#access.delete(key);
      else this.#access.set(key, op === 'unmap' ? 'none' : 'read');
    }
  }

  accessOf(memory: number, page: number): HostAccess {
    return this.#access.get(`${memory} ${page}`) ?? 'write';
  }
}
