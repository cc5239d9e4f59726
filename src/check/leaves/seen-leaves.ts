import { pagesOf } from '../../arch/units.js';
import type { SeenLeaf } from '../evidence/index.js';

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

  /** The leaf of any level that maps this frame, the smallest first. */
  covering(gfn: number): SeenLeaf | undefined {
    return LEVELS.map((level) => this.get(gfn - (gfn % pagesOf(level)), level)).find(
      (seen) => seen !== undefined,
    );
  }

  set(seen: SeenLeaf): void {
    this.#leaves.set(SeenLeaves.#key(seen.gfn, seen.level), seen);
  }

  delete({ gfn, level }: Pick<SeenLeaf, 'gfn' | 'level'>): void {
    this.#leaves.delete(SeenLeaves.#key(gfn, level));
  }

  /** Put the small leaves in the place of a huge one: KVM makes them in passing, and tells of none. */
  split(huge: SeenLeaf): void {
    this.delete(huge);
    const level = huge.level === 3 ? 2 : 1;
    for (let i = 0; i < 512; i++) {
      const gfn = huge.gfn + i * pagesOf(level);
      this.set({ ...huge, level, gfn, frame: huge.frame + BigInt(gfn - huge.gfn) });
    }
  }

  all(): SeenLeaf[] {
    return [...this.#leaves.values()];
  }

  /** How many there are of a level. */
  count(level: number): number {
    return this.all().filter((seen) => seen.level === level).length;
  }
}
