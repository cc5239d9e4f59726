import { type GfnRange, pagesOf } from '../../arch/units.js';
import { type Leaf, leafRange, type VmModel } from '../../memtype/index.js';
import type { TraceEvent } from '../../observe/events.js';
import type { OwnPages, StepRecord } from '../../recording/recording.js';
import { matches, type SeenLeaf, sameLeaf, sameMapping, show, typeOf } from '../evidence/index.js';
import { leafOf } from '../evidence/seen-leaf.js';
import type { SeenLeaves } from '../leaves/seen-leaves.js';
import type { Checks, Fail } from '../verdict.js';
import { type Chain, chainsOf } from './chains.js';
import type { OpLane } from './lane-ops.js';
import { meets, OrderWalk, type Outcomes } from './outcomes.js';
import { StateGrid } from './state-grid.js';
import { type WalkKey, walkOf } from './walk-cache.js';

/** What steps at the same time are held against. */
export interface RaceBench {
  /** As it was before them. */
  readonly model: VmModel;
  readonly lanes: readonly OpLane[];
  readonly infra: readonly OwnPages[];
  /** The leaves that were seen before them; afterwards those that are there then. */
  readonly seen: SeenLeaves;
  readonly checks: Checks;
  readonly fail: Fail;
}

const listed = (leaves: readonly Leaf[], mayBeGone: boolean): string =>
  [...leaves.map(show), ...(mayBeGone ? ['no leaf'] : [])].join(' or ');

const rangeOf = ({ gfn, level }: Pick<Chain, 'gfn' | 'level'>): GfnRange => ({
  start: gfn,
  end: gfn + (level >= 1 && level <= 3 ? pagesOf(level as Leaf['level']) : 1),
});

/** Holds what was seen of steps at the same time against all orders in which they can have come. */
class RaceJudge {
  readonly #zaps: readonly GfnRange[];
  readonly #users = new Map<number, Set<number>>();
  readonly #outcomes = new Map<number, Outcomes>();

  constructor(
    readonly bench: RaceBench,
    readonly walk: OrderWalk,
  ) {
    const ops = bench.lanes.flatMap((lane) => lane.ops);
    this.#zaps = [...walk.grid.everyZap(), ...ops.flatMap((op) => (op.kind === 'discard' ? [op.range] : []))];
    for (const op of ops)
      if (op.kind === 'access') this.#users.set(op.gfn, (this.#users.get(op.gfn) ?? new Set()).add(op.vcpu));
  }

  #isOwn(page: number): boolean {
    return this.bench.infra.some(({ gfn, npages }) => page >= gfn && page < gfn + npages);
  }

  /** What can become of the memory that one leaf maps. */
  #outcomesOf(range: GfnRange): Outcomes {
    const known = this.#outcomes.get(range.start);
    if (known !== undefined) return known;
    const { model } = this.bench;
    const outcomes = this.walk.outcomes({
      range,
      before: model.leafAt(range.start),
      alwaysBy: this.#isOwn(range.start) ? model.state.vcpus.map(({ id }) => id) : [],
    });
    this.#outcomes.set(range.start, outcomes);
    return outcomes;
  }

  judge(events: readonly TraceEvent[]): void {
    const { seen, fail, model } = this.bench;
    const zapAlls = events.filter(({ kind }) => kind === 'zap-all').length;
    if (zapAlls > 0) fail('zap of everything', '0', String(zapAlls));
    const ranges = new Map(model.leaves().map((leaf) => [leaf.gfn, leafRange(leaf)]));
    for (const gfn of this.#users.keys())
      if (model.leafAt(gfn) === undefined) ranges.set(gfn, { start: gfn, end: gfn + 1 });
    for (const chain of chainsOf(events)) {
      this.#judgeChain(chain);
      if (!ranges.has(chain.gfn)) ranges.set(chain.gfn, rangeOf(chain));
    }
    for (const range of ranges.values()) this.#judgeEnd(range, seen.at(range.start));
  }

  /** Take each change of one entry in turn: of leaves that steps may make and zap, at any time. */
  #judgeChain(chain: Chain): void {
    const { gfn, level, changes } = chain;
    this.#judgeReports(chain);
    for (const { old, new: now } of changes) {
      const [gone, leaf] = [leafOf(gfn, level, old), leafOf(gfn, level, now)];
      if (gone === undefined && leaf === undefined)
        this.bench.fail('trace', 'nothing of the kind', `a change of what is no leaf at level ${level}`, {
          gfn,
        });
      else this.#judgeChange(gfn, level, gone, leaf);
    }
  }

  #judgeChange(gfn: number, level: number, gone: SeenLeaf | undefined, leaf: SeenLeaf | undefined): void {
    const { seen, fail, checks } = this.bench;
    const known = seen.get(gfn, level);
    const text = (one: SeenLeaf | undefined): string =>
      one === undefined ? 'no leaf' : `${show(one)}, frame 0x${one.frame.toString(16)}`;
    const isSame = known !== undefined && gone !== undefined ? sameLeaf(known, gone) : known === gone;
    if (!isSame) fail('entry', text(known), text(gone), { gfn });
    if (gone !== undefined) seen.delete(gone);
    if (leaf === undefined) {
      checks.zaps++;
      if (!meets(this.#zaps, rangeOf({ gfn, level })))
        fail('zap', 'the leaf stays', `${text(gone)} zapped`, { gfn });
      return;
    }
    seen.set(leaf);
    const { ever } = this.#outcomesOf(rangeOf(leaf));
    if (!ever.some((one) => matches(one, leaf)))
      fail('leaf', `at any time ${listed(ever, true)}`, `${show(leaf)} was made`, { gfn });
    const mayReplace = this.#isOwn(gfn) || (this.#users.get(gfn)?.size ?? 0) > 1;
    if (gone !== undefined && !(mayReplace && gone.frame === leaf.frame))
      fail('leaf', `${text(gone)} stays`, `${text(leaf)} in its place`, { gfn });
  }

  /** A fault tells of the leaf that it set, or found: of one that is there in this step. */
  #judgeReports({ gfn, level, changes, reports }: Chain): void {
    const { seen, fail } = this.bench;
    const left = reports.map((spte) => leafOf(gfn, level, spte));
    const made = changes.flatMap(({ new: now }) => leafOf(gfn, level, now) ?? []);
    const there = [...made, ...[seen.get(gfn, level) ?? []].flat()];
    const odd = left.find((leaf) => leaf === undefined || !there.some((one) => sameLeaf(one, leaf)));
    if (left.includes(undefined) || odd !== undefined)
      fail(
        'trace',
        'a report of a leaf that is there',
        odd === undefined ? `of no leaf at level ${level}` : show(odd),
        { gfn },
      );
    for (const leaf of made) {
      const at = left.findIndex((one) => one !== undefined && sameMapping(one, leaf));
      if (at < 0) fail('leaf', 'a fault makes it', `${show(leaf)} was made without a fault`, { gfn });
      else left.splice(at, 1);
    }
  }

  /** Once all have stopped a page has one of the leaves that some order leaves there. */
  #judgeEnd(range: GfnRange, leaf: SeenLeaf | undefined): void {
    const { fail, checks } = this.bench;
    const { last, mayBeGone } = this.#outcomesOf(range);
    const isRight = leaf === undefined ? mayBeGone : last.some((one) => matches(one, leaf));
    if (leaf !== undefined) checks.leaves++;
    if (isRight) return;
    const [one] = last;
    fail('leaf once all have stopped', listed(last, mayBeGone), leaf === undefined ? 'no leaf' : show(leaf), {
      gfn: range.start,
      why: one?.why ?? [],
    });
  }
}

/** Hold what was seen of steps at the same time against all orders in which they can have come; go on from what they left. */
export function judgeRace(bench: RaceBench, { step, events = [] }: StepRecord, key: WalkKey): void {
  const { lanes, model } = bench;
  const walk = walkOf(key, step, () => new OrderWalk(lanes, new StateGrid(lanes, model)));
  new RaceJudge(bench, walk).judge(events);
}

/** Let the model start from the leaves that are really there. */
export function adopt(model: VmModel, seen: SeenLeaves): void {
  for (const { gfn, level } of model.leaves())
    if (seen.get(gfn, level) === undefined) model.observeZap(gfn, pagesOf(level));
  for (const leaf of seen.all()) {
    const known = model.leafAt(leaf.gfn);
    if (known?.level === leaf.level && matches(known, leaf)) continue;
    const fresh = model.expectedLeaf(0, leaf.gfn);
    const type = fresh?.type === 'none' ? 'none' : typeOf(leaf);
    const { gfn, level, ipat, writable } = leaf;
    if (type !== undefined) model.observeLeaf({ gfn, level, type, ipat, writable });
  }
}
