import { type GfnRange, type Level, levelBase, pagesOf } from '../../arch/units.js';
import type { ErratumId } from '../errata.js';
import type { LeafType, Rule } from '../types.js';

/** A leaf entry that maps guest memory. */
export interface Leaf {
  /** First frame that it maps. */
  readonly gfn: number;
  readonly level: Level;
  readonly type: LeafType;
  readonly ipat: boolean;
  /** The guest may write through it (bit 1, PT_WRITABLE_MASK). */
  readonly writable: boolean;
  /** Its dirty bit is clear, so that the processor logs the next write itself (page-modification logging). */
  readonly clean: boolean;
  /** The chain of rules that gave type and IPAT. */
  readonly why: readonly Rule[];
  /** The vCPU whose fault made it. */
  readonly vcpu: number;
  /** The largest level that would have been right. */
  readonly maxLevel: Level;
  /** The smallest one: that, where the host's memory is surely in pages as large. */
  readonly minLevel: Level;
  /** Departures from the SDM that decided the type. */
  readonly errata: readonly ErratumId[];
}

const LEVELS: readonly Level[] = [1, 2, 3];

/** The frames that a leaf maps. */
export function leafRange(leaf: { gfn: number; level: Level }): GfnRange {
  return { start: leaf.gfn, end: leaf.gfn + pagesOf(leaf.level) };
}

/** The leaves of a VM, found by any frame that they map. No two of them overlap. */
export class LeafStore {
  readonly #byLevel: Record<Level, Map<number, Leaf>>;

  constructor(from?: LeafStore) {
    const copy = (level: Level): Map<number, Leaf> => new Map(from === undefined ? [] : from.#byLevel[level]);
    this.#byLevel = { 1: copy(1), 2: copy(2), 3: copy(3) };
  }

  get size(): number {
    return LEVELS.reduce((sum, level) => sum + this.#byLevel[level].size, 0);
  }

  /** The leaf that maps a frame. */
  find(gfn: number): Leaf | undefined {
    for (const level of LEVELS) {
      const leaf = this.#byLevel[level].get(levelBase(gfn, level));
      if (leaf !== undefined) return leaf;
    }
    return undefined;
  }

  /** Add a leaf; the leaves that it overlaps go, and are returned. */
  put(leaf: Leaf): Leaf[] {
    const replaced = this.zap(leafRange(leaf));
    this.#byLevel[leaf.level].set(leaf.gfn, leaf);
    return replaced;
  }

  /** Put 512 leaves of the next size in the place of a huge one. */
  split(leaf: Leaf, children: readonly Leaf[]): void {
    this.#byLevel[leaf.level].delete(leaf.gfn);
    for (const child of children) this.#byLevel[child.level].set(child.gfn, child);
  }

  /** Remove every leaf that maps a frame of the range (huge ones whole) and return them, in order of frames. */
  zap(range: GfnRange): Leaf[] {
    const gone = this.within(range);
    for (const leaf of gone) this.#byLevel[leaf.level].delete(leaf.gfn);
    return gone;
  }

  /** Every leaf that maps a frame of the range, in order of frames. */
  within(range: GfnRange): Leaf[] {
    return LEVELS.flatMap((level) => this.#overlapping(level, range)).sort((a, b) => a.gfn - b.gfn);
  }

  #overlapping(level: Level, range: GfnRange): Leaf[] {
    if (range.end <= range.start) return [];
    const map = this.#byLevel[level];
    const first = levelBase(range.start, level);
    const step = pagesOf(level);
    const found: Leaf[] = [];
    if ((range.end - first) / step > map.size) {
      // Fewer leaves than places where one could be.
      for (const leaf of map.values()) if (leaf.gfn >= first && leaf.gfn < range.end) found.push(leaf);
      return found;
    }
    for (let gfn = first; gfn < range.end; gfn += step) {
      const leaf = map.get(gfn);
      if (leaf !== undefined) found.push(leaf);
    }
    return found;
  }
}
