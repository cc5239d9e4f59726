import { type Leaf, MEM_TYPES, type MemType } from '../memtype/index.js';
import { decodeLeaf } from '../observe/spte.js';
import { memTypeName } from '../scenario/msrs.js';

/** A leaf as it was seen. */
export interface SeenLeaf {
  gfn: number;
  level: 1 | 2 | 3;
  type: string;
  ipat: boolean;
  /** First host frame that it maps. */
  frame: bigint;
}

/** Bits 51:12 of an entry: the frame. */
const frameOf = (spte: bigint): bigint => (spte >> 12n) & ((1n << 40n) - 1n);

/** Frames of 4 KiB that a leaf of this level maps. */
export const pagesOf = (level: number): number => 512 ** (level - 1);

/** Whether a leaf at `gfn` of this level maps frame `page`. */
export const covers = (gfn: number, level: number, page: number): boolean =>
  page >= gfn && page < gfn + pagesOf(level);

/** Read a leaf entry; only for one that is known to be a leaf, as readMoves() says. */
export function seenLeaf(gfn: number, level: number, spte: bigint): SeenLeaf {
  const { type = 0, ipat = false } = decodeLeaf(spte, level) ?? {};
  return { gfn, level: level as SeenLeaf['level'], type: memTypeName(type), ipat, frame: frameOf(spte) };
}

export const show = (leaf: { type: string; ipat: boolean }): string =>
  `${leaf.type} IPAT=${leaf.ipat ? 1 : 0}`;

/** Whether a leaf is of the type and IPAT that the model expects; where there are no types, any is. */
export const matches = (expected: Leaf, seen: SeenLeaf): boolean =>
  expected.type === 'none' || (expected.type === seen.type && expected.ipat === seen.ipat);

/**
 * Whether an entry is that of a leaf seen before. Accessed, dirty and permission bits are left out: the processor and
 * KVM's fast page fault change them, and no event tells.
 */
export const sameLeaf = (a: SeenLeaf, b: SeenLeaf): boolean =>
  a.level === b.level && a.type === b.type && a.ipat === b.ipat && a.frame === b.frame;

/** The memory type of a leaf, undefined for a reserved one. */
export const typeOf = (seen: SeenLeaf | undefined): MemType | undefined =>
  MEM_TYPES.find((type): type is MemType => type === seen?.type);

const LEVELS = [1, 2, 3] as const;

/** The leaves that were seen, by frame and level: while small ones give way to a huge one both are there. */
export class SeenLeaves {
  readonly #leaves = new Map<number, SeenLeaf>();

  static #key(gfn: number, level: number): number {
    return gfn * 4 + level;
  }

  get(gfn: number, level: number): SeenLeaf | undefined {
    return this.#leaves.get(SeenLeaves.#key(gfn, level));
  }

  /** The leaf of any level that begins at this frame, the smallest first. */
  at(gfn: number): SeenLeaf | undefined {
    return LEVELS.map((level) => this.get(gfn, level)).find((seen) => seen !== undefined);
  }

  set(seen: SeenLeaf): void {
    this.#leaves.set(SeenLeaves.#key(seen.gfn, seen.level), seen);
  }

  delete({ gfn, level }: Pick<SeenLeaf, 'gfn' | 'level'>): void {
    this.#leaves.delete(SeenLeaves.#key(gfn, level));
  }

  all(): SeenLeaf[] {
    return [...this.#leaves.values()];
  }

  /** How many there are of a level. */
  count(level: number): number {
    return this.all().filter((seen) => seen.level === level).length;
  }
}
