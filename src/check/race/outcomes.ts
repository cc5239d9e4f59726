import type { GfnRange } from '../../arch/units.js';
import type { Leaf } from '../../memtype/index.js';
import type { LaneOp, OpLane } from './lane-ops.js';
import type { StateGrid } from './state-grid.js';

/** Memory that one leaf maps, and who may fault on it all the time. */
export interface RacePage {
  readonly range: GfnRange;
  /** The leaf that maps it when the steps begin. */
  readonly before: Leaf | undefined;
  /** The vCPUs that use it all the time, as a guest does its own pages. */
  readonly alwaysBy: readonly number[];
}

/** What can become of a page. */
export interface Outcomes {
  /** The leaves that can map it once all have stopped, each once. */
  readonly last: readonly Leaf[];
  /** Whether none may. */
  readonly mayBeGone: boolean;
  /** The leaves that can map it at any time from the first step on. */
  readonly ever: readonly Leaf[];
}

const leafName = ({ type, ipat, writable }: Leaf): string => `${type} ${ipat} ${writable}`;

/** A set of leaves, one bit each; bit 0 is none at all. */
type LeafSet = number;
const NONE: LeafSet = 1;

/** A step of a lane as the kernel takes it: a zap comes after the change that asks for it, and others may come between. */
type Stage = LaneOp | { kind: 'zap' };

function stagesOf({ ops }: OpLane, lane: number, grid: StateGrid): Stage[] {
  let changes = 0;
  return ops.flatMap((op): Stage[] =>
    op.kind === 'change' && grid.zapsOf(lane, changes++).length > 0 ? [op, { kind: 'zap' }] : [op],
  );
}

/** Whether one of the ranges meets the memory. */
export const meets = (ranges: readonly GfnRange[], page: GfnRange): boolean =>
  ranges.some(({ start, end }) => page.end > start && page.start < end);

/**
 * Goes through all orders in which the steps of several can come, for one page at a time. What is the same however it came about is looked
 * at once: a place is how far each lane is, and there a page can have so many leaves, for each set of zaps that are yet to come.
 *
 * KVM changes first and zaps then, and a fault decides its type and sets its entry under mmu_lock, which a zap takes for writing
 * (kvm_zap_gfn_range(), kvm_tdp_mmu_map()). So what is mapped before a change is gone once its zap is done, and what is mapped
 * from then on has the type that the change asks for.
 */
export class OrderWalk {
  readonly #stages: readonly (readonly Stage[])[];
  readonly #sizes: readonly number[];
  /** For each lane, how many changes it has made after so many stages. */
  readonly #made: readonly (readonly number[])[];
  /** How many vCPUs access a page. */
  readonly #users = new Map<number, Set<number>>();
  readonly #known = new Map<string, Outcomes>();
  readonly #names: string[] = [];
  readonly #leaves: Leaf[] = [];

  constructor(
    lanes: readonly OpLane[],
    readonly grid: StateGrid,
  ) {
    this.#stages = lanes.map((lane, i) => stagesOf(lane, i, grid));
    this.#sizes = this.#stages.map((stages) => stages.length + 1);
    this.#made = this.#stages.map((stages) => [
      0,
      ...stages.map((_, i) => stages.slice(0, i + 1).filter(({ kind }) => kind === 'change').length),
    ]);
    for (const { ops } of lanes)
      for (const op of ops)
        if (op.kind === 'access')
          this.#users.set(op.gfn, (this.#users.get(op.gfn) ?? new Set()).add(op.vcpu));
  }

  #bit(leaf: Leaf | undefined): LeafSet {
    if (leaf === undefined) return NONE;
    const name = leafName(leaf);
    let at = this.#names.indexOf(name);
    if (at < 0) {
      at = this.#names.push(name) - 1;
      this.#leaves.push(leaf);
    }
    return 2 << at;
  }

  #leavesOf(set: LeafSet): Leaf[] {
    return this.#leaves.filter((_, i) => (set & (2 << i)) !== 0);
  }

  /** What can become of a page. */
  outcomes(page: RacePage): Outcomes {
    const { range, before, alwaysBy } = page;
    const key = [range.start, range.end, before && leafName(before), ...alwaysBy].join();
    const known = this.#known.get(key) ?? this.#walk(page);
    this.#known.set(key, known);
    return known;
  }

  #walk(page: RacePage): Outcomes {
    const masks = 1 << this.#sizes.length;
    const places = this.#sizes.reduce((product, size) => product * size, 1);
    const sets = new Uint32Array(places * masks);
    sets[0] = this.#bit(page.before);
    let ever = 0;
    for (let place = 0; place < places; place++) {
      const at = this.#coordinates(place);
      const made = at.map((n, lane) => this.#made[lane]?.[n] ?? 0);
      const own = page.alwaysBy.reduce(
        (set, vcpu) => set | this.#bit(this.grid.fresh(made, vcpu, page.range.start)),
        0,
      );
      for (let mask = 0; mask < masks; mask++) {
        const here = sets[place * masks + mask] ?? 0;
        if (here === 0) continue;
        const all = here | own;
        ever |= all;
        sets[place * masks + mask] = all;
        let stride = 1;
        for (const [lane, size] of this.#sizes.entries()) {
          const stage = this.#stages[lane]?.[at[lane] as number];
          if (stage !== undefined) {
            const [next, set] = this.#take(stage, lane, { page, made, mask, set: all, ever });
            const target = (place + stride) * masks + next;
            sets[target] = (sets[target] ?? 0) | set;
          }
          stride *= size;
        }
      }
    }
    const last = sets[(places - 1) * masks] ?? 0;
    return { last: this.#leavesOf(last), mayBeGone: (last & NONE) !== 0, ever: this.#leavesOf(ever) };
  }

  #coordinates(place: number): number[] {
    let rest = place;
    return this.#sizes.map((size) => {
      const at = rest % size;
      rest = (rest - at) / size;
      return at;
    });
  }

  /** Where a stage leads: the zaps that are to come, and the leaves that the page can have. */
  #take(
    stage: Stage,
    lane: number,
    {
      page,
      made,
      mask,
      set,
      ever,
    }: { page: RacePage; made: readonly number[]; mask: number; set: LeafSet; ever: LeafSet },
  ): [mask: number, set: LeafSet] {
    const bit = 1 << lane;
    switch (stage.kind) {
      case 'change':
        return [meets(this.grid.zaps(made, lane), page.range) ? mask | bit : mask, set];
      case 'zap':
        return mask & bit ? [mask & ~bit, NONE] : [mask, set];
      case 'discard':
        return [mask, meets([stage.range], page.range) ? NONE : set];
      case 'access':
        return [
          mask,
          stage.gfn === page.range.start ? this.#fault(set, stage, made, (ever & NONE) !== 0) : set,
        ];
    }
  }

  /**
   * A fault maps the page where nothing does. Where somebody else's fault was faster it finds a leaf, and up to 6.13 sets its own in that one's
   * place (tdp_mmu_map_handle_target_level()).
   */
  #fault(
    set: LeafSet,
    { vcpu, gfn }: Extract<LaneOp, { kind: 'access' }>,
    made: readonly number[],
    wasGone: boolean,
  ): LeafSet {
    const fresh = this.#bit(this.grid.fresh(made, vcpu, gfn));
    const isShared = (this.#users.get(gfn)?.size ?? 0) > 1;
    if (isShared && wasGone) return (set & ~NONE) | fresh;
    return set & NONE ? (set & ~NONE) | fresh : set;
  }
}
