import { type Effect, type Leaf, MEM_TYPES, type VmModel } from '../memtype/index.js';
import type { TraceEvent } from '../observe/events.js';
import { decodeLeaf } from '../observe/spte.js';
import { memTypeName } from '../scenario/msrs.js';
import type { GfnRange } from './recording.js';
import type { Checks, Mismatch } from './verdict.js';

/** A leaf as it was seen. */
export interface Seen {
  level: 1 | 2 | 3;
  type: string;
  ipat: boolean;
}

/** What a failed check adds to what is known of the step. */
export type Fail = (
  what: string,
  expected: string,
  seen: string,
  o?: Partial<Pick<Mismatch, 'gfn' | 'why'>>,
) => void;

const show = (leaf: { type: string; ipat: boolean }): string => `${leaf.type} IPAT=${leaf.ipat ? 1 : 0}`;
const pagesOf = (level: number): number => 512 ** (level - 1);

function seenIn(spte: bigint, level: number): Seen | undefined {
  const leaf = decodeLeaf(spte, level);
  if (leaf === undefined || level > 3) return undefined;
  return { level: level as Seen['level'], type: memTypeName(leaf.type), ipat: leaf.ipat };
}

/** The leaf that an event leaves behind. */
const after = (event: TraceEvent): Seen | undefined =>
  event.kind === 'zap-all' ? undefined : seenIn(event.kind === 'set' ? event.spte : event.new, event.level);

const matches = (expected: Leaf, seen: Seen): boolean =>
  expected.type === 'none' || (expected.type === seen.type && expected.ipat === seen.ipat);

/** PTE_PREFETCH_NUM: direct_pte_prefetch() of the legacy MMU maps pages of one aligned group. */
const PREFETCH = 8;
const prefetchGroup = (gfn: number): number => Math.floor(gfn / PREFETCH);

const covers = (gfn: number, level: number, page: number): boolean =>
  page >= gfn && page < gfn + pagesOf(level);

/** The level at which events show `gfn` mapped; `undefined` if they show no such leaf. */
export function levelOf(events: readonly TraceEvent[], gfn: number): Seen['level'] | undefined {
  const event = events.find(
    (e) => e.kind !== 'zap-all' && after(e) !== undefined && covers(e.gfn, e.level, gfn),
  );
  return event === undefined ? undefined : after(event)?.level;
}

/** Holds the leaves and zaps that were seen against those that the model expects. */
export class LeafJudge {
  readonly #seen = new Map<number, Seen>();
  readonly #buried = new Set<number>();
  #vcpu = 0;
  #toMake = new Map<number, Leaf>();
  #toZap = new Map<number, Leaf>();
  /** Groups of pages that the legacy MMU may map along with one that faulted. */
  #faulted = new Set<number>();
  #effect: Effect | undefined;
  /** Zaps of this step that nothing showed yet. */
  #trusted = 0;
  /** By how much KVM's count of leaves is off, by level. */
  #drift = [0, 0, 0];
  /** Huge leaves that took the place of smaller ones in this step. */
  #merged: Leaf[] = [];

  constructor(
    readonly model: VmModel,
    readonly infra: readonly GfnRange[],
    readonly checks: Checks,
    readonly fail: Fail,
    /** The legacy MMU maps: it traces no zap of a leaf, and maps neighbours of a page that faults. */
    readonly legacyMmu = false,
  ) {}

  /** The leaf last seen for a page. */
  seenAt(gfn: number): Seen | undefined {
    return this.#seen.get(gfn);
  }

  #isInfra(gfn: number): boolean {
    // The legacy MMU maps beyond the ends of a range, to those of the group.
    const unit = this.legacyMmu ? PREFETCH : 1;
    const round = (n: number): number => Math.floor(n / unit);
    return this.infra.some(
      (range) => round(gfn) >= round(range.gfn) && round(gfn) <= round(range.gfn + range.npages - 1),
    );
  }

  /**
   * Take the faults of the guest's own pages that came before the step's change took effect: hold them against the
   * state before it, and return the events that are left.
   */
  takeEarly(events: readonly TraceEvent[], vcpu: number): readonly TraceEvent[] {
    this.#vcpu = vcpu;
    const end = events.findIndex((event) => !this.#isEarly(event));
    return end < 0 ? [] : events.slice(end);
  }

  #isEarly(event: TraceEvent): boolean {
    const seen = after(event);
    if (event.kind === 'zap-all' || seen === undefined || !this.#isInfra(event.gfn)) return false;
    const expected = this.model.expectedLeaf(this.#vcpu, event.gfn);
    if (expected === undefined || !matches(expected, seen)) return false;
    const isNew = this.model.leafAt(event.gfn) === undefined;
    if (isNew) this.#meet(event.gfn, expected, seen);
    // Where zaps are not traced, a leaf that is made again is the sign that the zap has been.
    return isNew || !this.legacyMmu;
  }

  /** Take note of a leaf of the guest's own pages, which the model cannot foresee. */
  #meet(gfn: number, expected: Leaf, seen: Seen): void {
    this.#compare(gfn, expected, seen);
    this.model.apply({ kind: 'access', vcpu: this.#vcpu, gfn, access: 'read', level: seen.level });
  }

  /** Hold the events of a step, those of takeEarly() taken off, against what the step must bring about. */
  judge(events: readonly TraceEvent[], effect: Effect | undefined): void {
    this.#effect = effect;
    // The small leaves may go before or after the huge one comes: know first whether it comes.
    this.#merged = (effect?.mayMerge ?? []).filter((huge) =>
      events.some((e) => e.kind !== 'zap-all' && e.gfn === huge.gfn && after(e)?.level === huge.level),
    );
    this.#toMake = new Map((effect?.made ?? []).map((leaf) => [leaf.gfn, leaf]));
    this.#toZap = new Map((effect?.zapped ?? []).map((leaf) => [leaf.gfn, leaf]));
    this.#faulted = new Set([...this.#toMake.keys()].map(prefetchGroup));
    if (events.some((event) => event.kind === 'zap-all')) this.#buryAll();
    if (this.legacyMmu) this.#trustZaps();
    for (const event of events) this.#judgeEvent(event);
    this.#judgeMissing();
  }

  /** A fast zap invalidates the whole root at once; its leaves go later, some of them on other threads. */
  #buryAll(): void {
    for (const gfn of this.#toZap.keys()) {
      this.#seen.delete(gfn);
      this.#buried.add(gfn);
      this.checks.zaps++;
    }
    this.#toZap.clear();
  }

  /** Believe in zaps that nothing shows: KVM's count tells whether they were, and the leaves that are made afterwards. */
  #trustZaps(): void {
    this.#trusted = this.#toZap.size;
    for (const gfn of this.#toZap.keys()) this.#seen.delete(gfn);
    this.#toZap.clear();
  }

  #judgeEvent(event: TraceEvent): void {
    if (event.kind === 'zap-all') return;
    const now = after(event);
    const before = event.kind === 'change' ? seenIn(event.old, event.level) : undefined;
    if (now !== undefined) this.#judgeMade(event.gfn, now);
    else if (before !== undefined) this.#judgeZap(event.gfn, before);
  }

  #judgeZap(gfn: number, old: Seen): void {
    if (this.#buried.delete(gfn)) return;
    this.#seen.delete(gfn);
    if (this.#toZap.delete(gfn)) {
      this.checks.zaps++;
      return;
    }
    if (this.#merged.some((huge) => covers(huge.gfn, huge.level, gfn))) return;
    if (this.#mayZap(gfn)) {
      this.checks.zaps++;
      this.model.observeZap(gfn, pagesOf(old.level));
      return;
    }
    this.fail('zap', 'the leaf stays', `${show(old)} zapped`, { gfn });
    this.model.observeZap(gfn, pagesOf(old.level));
  }

  #mayZap(gfn: number): boolean {
    return this.#effect?.mayZap.some(({ start, end }) => gfn >= start && gfn < end) ?? false;
  }

  /** Take a huge leaf in the place of smaller ones, where the end of dirty logging may bring one. */
  #judgeMerge(gfn: number, seen: Seen): boolean {
    const huge = this.#merged.find((leaf) => leaf.gfn === gfn && leaf.level === seen.level);
    if (huge === undefined) return false;
    this.checks.leaves++;
    for (const child of this.#seen.keys()) if (covers(gfn, seen.level, child)) this.#seen.delete(child);
    if (!matches(huge, seen)) this.fail('huge leaf', show(huge), show(seen), huge);
    this.#adopt(gfn, seen);
    return true;
  }

  #judgeMade(gfn: number, seen: Seen): void {
    const known = this.#seen.get(gfn);
    if (known?.type === seen.type && known.ipat === seen.ipat && known.level === seen.level) return;
    if (this.#judgeMerge(gfn, seen)) return;
    const wanted = [...this.#toMake.values()].find((leaf) => covers(gfn, seen.level, leaf.gfn));
    if (wanted !== undefined) {
      this.#toMake.delete(wanted.gfn);
      this.#compare(gfn, wanted, seen);
      return;
    }
    const stays = this.model.leafAt(gfn);
    const expected = this.model.expectedLeaf(this.#vcpu, gfn);
    const foreseen = this.#isInfra(gfn) || (this.legacyMmu && this.#faulted.has(prefetchGroup(gfn)));
    if (foreseen && stays === undefined && expected !== undefined) {
      this.#meet(gfn, expected, seen);
      return;
    }
    this.fail('leaf', stays === undefined ? 'no leaf' : `${show(stays)} stays`, `${show(seen)} was made`, {
      gfn,
      why: stays?.why ?? [],
    });
    this.#adopt(gfn, seen);
  }

  #compare(gfn: number, expected: Leaf, seen: Seen): void {
    this.#seen.set(gfn, seen);
    this.checks.leaves++;
    if (!matches(expected, seen)) {
      this.fail('leaf', show(expected), show(seen), { gfn, why: expected.why });
      this.#adopt(gfn, seen);
    }
    if (seen.level > expected.maxLevel) {
      this.fail('mapping level', `at most ${expected.maxLevel}`, String(seen.level), {
        gfn,
        why: expected.why,
      });
    }
  }

  /** Fail what did not come; go on from what is really there, so that one fault is not told again at each step. */
  #judgeMissing(): void {
    for (const leaf of this.#toMake.values()) {
      this.fail('leaf', show(leaf), 'no leaf was made', leaf);
      this.model.observeZap(leaf.gfn, pagesOf(leaf.level));
    }
    for (const leaf of this.#toZap.values()) {
      this.fail('zap', `${show(leaf)} zapped`, 'the leaf stayed', leaf);
      if (this.model.leafAt(leaf.gfn) === undefined) this.model.observeLeaf(leaf);
    }
  }

  /**
   * Hold KVM's own count of leaves, after judge(), against those that there should be.
   * @param counts leaves of 4K, 2M and 1G
   */
  judgeCount(counts: readonly number[]): void {
    const drift = counts.map((count, i) => count - this.#countAt(i + 1));
    const isOff = drift.some((n, i) => n !== this.#drift[i]);
    if (isOff) {
      const expected = counts.map((_, i) => this.#countAt(i + 1) + (this.#drift[i] ?? 0));
      const levels = `${expected.join(' + ')} (4K + 2M + 1G)`;
      this.fail('number of leaves', `${levels} after ${this.#trusted} zaps`, counts.join(' + '));
    } else {
      this.checks.zaps += this.#trusted;
    }
    this.#drift = drift;
    this.#trusted = 0;
  }

  #countAt(level: number): number {
    return [...this.#seen.values()].filter((seen) => seen.level === level).length;
  }

  /** Let later steps start from a leaf that was not expected. */
  #adopt(gfn: number, seen: Seen): void {
    this.#seen.set(gfn, seen);
    const type = MEM_TYPES.find((name) => name === seen.type);
    if (type !== undefined) this.model.observeLeaf({ gfn, level: seen.level, type, ipat: seen.ipat });
  }
}
