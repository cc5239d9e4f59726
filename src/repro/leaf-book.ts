import { pagesOf } from '../arch/units.js';
import type { OpLane } from '../check/race/lane-ops.js';
import { OrderWalk } from '../check/race/outcomes.js';
import { StateGrid } from '../check/race/state-grid.js';
import type { Leaf, VmModel } from '../memtype/index.js';

/** From here on `count` leaves that lie one after the other are as the text says, or none begins at so many pages. */
export interface LeafChange {
  readonly gfn: number;
  readonly count: number;
  readonly level: 1 | 2 | 3;
  /** Alternatives with bars between them; undefined is none. */
  readonly text: string | undefined;
}

interface Entry {
  readonly level: 1 | 2 | 3;
  readonly text: string;
}

const NONE = 'none';

/** A leaf in the words of a reproducer. */
export const leafText = ({ type, ipat, writable }: Pick<Leaf, 'type' | 'ipat' | 'writable'>): string =>
  `${type} IPAT ${ipat ? 1 : 0}${writable ? '' : ' read-only'}`;

/** Follows which leaves there must be, and what may be either way after steps at the same time. */
export class LeafBook {
  #last = new Map<number, Entry>();
  /** Pages of which the order of steps decides by what they are mapped: each leaf that may be, undefined for none. */
  readonly #unsure = new Map<number, Map<string, Leaf | undefined>>();

  constructor(readonly model: VmModel) {}

  /** An access maps a page where nothing does, and changes nothing where something does. */
  beforeAccess(vcpu: number, gfn: number): void {
    const unsure = this.#unsure.get(gfn);
    if (!unsure?.delete(NONE)) return;
    const fresh = this.model.expectedLeaf(vcpu, gfn);
    if (fresh === undefined) return;
    unsure.set(leafText(fresh), fresh);
    if (this.model.leafAt(gfn) === undefined) this.model.observeLeaf(fresh);
  }

  /** Steps were taken at the same time; the model has taken them in some order. */
  raced(before: VmModel, lanes: readonly OpLane[]): void {
    const walk = new OrderWalk(lanes, new StateGrid(lanes, before));
    const accessed = lanes.flatMap(({ ops }) => ops.flatMap((op) => (op.kind === 'access' ? [op.gfn] : [])));
    const pages = new Set([...before.leaves().map(({ gfn }) => gfn), ...accessed]);
    for (const gfn of pages) {
      const starts = this.#unsure.get(gfn)?.values() ?? [before.leafAt(gfn)];
      const after = new Map<string, Leaf | undefined>();
      for (const start of starts) {
        const range = { start: gfn, end: gfn + pagesOf(start?.level ?? 1) };
        const { last, mayBeGone } = walk.outcomes({ range, before: start, alwaysBy: [] });
        for (const leaf of last) after.set(leafText(leaf), { ...leaf, gfn });
        if (mayBeGone) after.set(NONE, undefined);
      }
      this.#settle(gfn, after);
    }
  }

  /** Let the model go on from one of the leaves that may be. */
  #settle(gfn: number, after: Map<string, Leaf | undefined>): void {
    const [one] = [...after.values()].filter((leaf) => leaf !== undefined);
    if (one === undefined) this.model.observeZap(gfn, 1);
    else this.model.observeLeaf(one);
    if (after.size > 1) this.#unsure.set(gfn, after);
    else this.#unsure.delete(gfn);
  }

  #now(): Map<number, Entry> {
    const now = new Map<number, Entry>();
    const leaves = this.model.leaves();
    const mapped = new Set(leaves.map(({ gfn }) => gfn));
    // What an event zapped is gone for certain.
    for (const gfn of this.#unsure.keys()) if (!mapped.has(gfn)) this.#unsure.delete(gfn);
    for (const leaf of leaves) {
      const unsure = this.#unsure.get(leaf.gfn);
      const text = unsure === undefined ? leafText(leaf) : [...unsure.keys()].sort().join('|');
      now.set(leaf.gfn, { level: leaf.level, text });
    }
    return now;
  }

  /** What differs from the last call, neighbours together. */
  changes(): LeafChange[] {
    const now = this.#now();
    const last = this.#last;
    this.#last = now;
    const gone = [...last.keys()].filter((gfn) => !now.has(gfn)).map((gfn) => [gfn, undefined] as const);
    const made = [...now].filter(
      ([gfn, { level, text }]) => last.get(gfn)?.text !== text || last.get(gfn)?.level !== level,
    );
    return [...joined(gone), ...joined(made)];
  }
}

/** Put entries that lie one after the other and are the same into one. */
function joined(entries: readonly (readonly [number, Entry | undefined])[]): LeafChange[] {
  const changes: LeafChange[] = [];
  for (const [gfn, entry] of [...entries].sort(([a], [b]) => a - b)) {
    const level = entry?.level ?? 1;
    const text = entry?.text;
    const before = changes.at(-1);
    const isNext = before && before.gfn + before.count * pagesOf(before.level) === gfn;
    if (before && isNext && before.level === level && before.text === text)
      changes[changes.length - 1] = { ...before, count: before.count + 1 };
    else changes.push({ gfn, count: 1, level, text });
  }
  return changes;
}
