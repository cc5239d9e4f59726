import type { Effect, Leaf, VmModel } from '../memtype/index.js';
import type { OwnPages } from '../recording/recording.js';
import { collapseFaults } from './leaf-collapse.js';
import {
  covers,
  matches,
  pagesOf,
  type SeenLeaf,
  SeenLeaves,
  sameLeaf,
  seenLeaf,
  show,
  typeOf,
} from './leaf-seen.js';
import type { Move } from './moves.js';
import type { Checks, Mismatch } from './verdict.js';

/** What a failed check adds to what is known of the step. */
export type Fail = (
  what: string,
  expected: string,
  seen: string,
  o?: Partial<Pick<Mismatch, 'gfn' | 'why'>>,
) => void;

type MoveOf<K extends Move['kind']> = Extract<Move, { kind: K }>;

/** PTE_PREFETCH_NUM: direct_pte_prefetch() of the legacy MMU maps pages of one aligned group. */
const PREFETCH = 8;
const prefetchGroup = (gfn: number): number => Math.floor(gfn / PREFETCH);

/** Holds the leaves and zaps that were seen against those that the model expects. Each move needs its explanation. */
export class LeafJudge {
  readonly #seen = new SeenLeaves();
  #vcpu = 0;
  #guestRuns = true;
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
  /** Leaves that went in this step because the host's memory allows a huge one. */
  #collapsed: SeenLeaf[] = [];

  constructor(
    readonly model: VmModel,
    readonly infra: readonly OwnPages[],
    readonly checks: Checks,
    readonly fail: Fail,
    /** The legacy MMU maps: it traces no zap of a leaf, and maps neighbours of a page that faults. */
    readonly legacyMmu = false,
  ) {}

  /** The leaf last seen for a page. */
  seenAt(gfn: number): SeenLeaf | undefined {
    return this.#seen.at(gfn);
  }

  /** Whether the guest may fault here of its own: it runs in this step, and the page is one of its own. */
  #isInfra(gfn: number): boolean {
    if (!this.#guestRuns) return false;
    // The legacy MMU maps beyond the ends of a range, to those of the group.
    const unit = this.legacyMmu ? PREFETCH : 1;
    const round = (n: number): number => Math.floor(n / unit);
    return this.infra.some(
      (range) => round(gfn) >= round(range.gfn) && round(gfn) <= round(range.gfn + range.npages - 1),
    );
  }

  /**
   * Take the faults of the guest's own pages that came before the step's change took effect: hold them against the
   * state before it, and return the moves that are left.
   * @param guestRuns whether the guest runs in this step; if not, it cannot fault
   */
  takeEarly(moves: readonly Move[], vcpu: number, guestRuns: boolean): readonly Move[] {
    this.#vcpu = vcpu;
    this.#guestRuns = guestRuns;
    const end = moves.findIndex((move) => !this.#isEarly(move));
    return end < 0 ? [] : moves.slice(end);
  }

  #isEarly(move: Move): boolean {
    if (move.kind !== 'make' || !move.fault || !this.#isInfra(move.gfn)) return false;
    const seen = seenLeaf(move.gfn, move.level, move.spte);
    const expected = this.model.expectedLeaf(this.#vcpu, move.gfn);
    if (expected === undefined || !matches(expected, seen)) return false;
    if (this.model.leafAt(move.gfn) !== undefined) return false;
    this.#meet(expected, seen);
    return true;
  }

  /** Take note of a leaf of the guest's own pages, which the model cannot foresee. */
  #meet(expected: Leaf, seen: SeenLeaf): void {
    this.#compare(expected, seen);
    const { gfn, level } = seen;
    this.model.apply({ kind: 'access', vcpu: this.#vcpu, gfn, access: 'read', level });
  }

  /** Hold the moves of a step, those of takeEarly() taken off, against what the step must bring about. */
  judge(moves: readonly Move[], effect: Effect | undefined): void {
    this.#effect = effect;
    // The small leaves may go before or after the huge one comes: know first whether it comes.
    this.#merged = (effect?.mayMerge ?? []).filter((huge) =>
      moves.some((m) => m.kind === 'make' && m.overTable && m.gfn === huge.gfn && m.level === huge.level),
    );
    this.#collapsed = [];
    this.#toMake = new Map((effect?.made ?? []).map((leaf) => [leaf.gfn, leaf]));
    this.#toZap = new Map((effect?.zapped ?? []).map((leaf) => [leaf.gfn, leaf]));
    this.#faulted = new Set([...this.#toMake.keys()].map(prefetchGroup));
    this.#judgeZapAll(moves);
    if (this.legacyMmu) this.#trustZaps();
    for (const move of moves) this.#judgeMove(move);
    this.#judgeCollapse();
    this.#judgeMissing();
  }

  /**
   * KVM drops every root at once exactly where the model says so, and zaps all of their leaves before the ioctl returns
   * (kvm_tdp_mmu_zap_invalidated_roots()). Linux 5.18 to 6.5 have a kernel thread do that, which is not traced: there all
   * of the zaps are missing, never some.
   */
  #judgeZapAll(moves: readonly Move[]): void {
    const count = moves.filter(({ kind }) => kind === 'zap-all').length;
    const expected = this.#effect?.fastZap === true ? 1 : 0;
    if (count !== expected) this.fail('zap of everything', String(expected), String(count));
    if (expected === 0 || this.legacyMmu || moves.some(({ kind }) => kind === 'zap')) return;
    this.#forgetZapped();
  }

  #forgetZapped(): void {
    for (const leaf of this.#toZap.values()) this.#seen.delete(leaf);
    this.#toZap.clear();
  }

  /** Believe in zaps that nothing shows: KVM's count tells whether they were, and the leaves that are made afterwards. */
  #trustZaps(): void {
    this.#trusted = this.#toZap.size;
    this.#forgetZapped();
  }

  #judgeMove(move: Move): void {
    if (move.kind === 'make') this.#judgeMade(move);
    else if (move.kind === 'zap') this.#judgeZap(seenLeaf(move.gfn, move.level, move.old));
    else if (move.kind === 'rewrite') this.#judgeRewrite(move);
    else if (move.kind === 'stray') this.fail('trace', 'nothing of the kind', move.text, { gfn: move.gfn });
  }

  /** Take the leaf that an event says was there before; it must be the one that was seen last. */
  #takeOld(old: SeenLeaf): void {
    const known = this.#seen.get(old.gfn, old.level);
    this.#seen.delete(old);
    if (known !== undefined && sameLeaf(known, old)) return;
    const expected =
      known === undefined ? 'nothing there' : `${show(known)}, frame 0x${known.frame.toString(16)}`;
    this.fail('entry', expected, `${show(old)}, frame 0x${old.frame.toString(16)}`, { gfn: old.gfn });
  }

  #judgeZap(old: SeenLeaf): void {
    const { gfn, level } = old;
    this.#takeOld(old);
    if (this.#toZap.delete(gfn)) {
      this.checks.zaps++;
      return;
    }
    if (this.#merged.some((huge) => covers(huge.gfn, huge.level, gfn))) {
      this.#collapsed.push(old);
      return;
    }
    if (this.#effect?.mayZap.some(({ start, end }) => gfn >= start && gfn < end)) {
      this.checks.zaps++;
      this.#collapsed.push(old);
    } else {
      this.fail('zap', 'the leaf stays', `${show(old)} zapped`, { gfn });
    }
    this.model.observeZap(gfn, pagesOf(level));
  }

  #mayChange(gfn: number): boolean {
    return this.#effect?.mayRewrite.some(({ start, end }) => gfn >= start && gfn < end) ?? false;
  }

  /** A leaf may change in place only in its permissions and in its accessed and dirty bits, where its slot is logged. */
  #judgeRewrite({ gfn, level, old, spte }: MoveOf<'rewrite'>): void {
    const [before, now] = [seenLeaf(gfn, level, old), seenLeaf(gfn, level, spte)];
    this.#takeOld(before);
    this.#seen.set(now);
    if (this.#mayChange(gfn) && sameLeaf(before, now)) return;
    this.fail('leaf', `${show(before)} stays`, `${show(now)} in its place`, { gfn });
    this.#adopt(now);
  }

  /** Take a huge leaf in the place of smaller ones, where the end of dirty logging may bring one. */
  #judgeMerge(seen: SeenLeaf): boolean {
    const huge = this.#merged.find((leaf) => leaf.gfn === seen.gfn && leaf.level === seen.level);
    if (huge === undefined || this.#seen.get(seen.gfn, seen.level) !== undefined) return false;
    this.checks.leaves++;
    if (!matches(huge, seen)) this.fail('huge leaf', show(huge), show(seen), huge);
    this.#adopt(seen);
    return true;
  }

  #judgeMade({ gfn, level, spte, fault, overTable }: MoveOf<'make'>): void {
    const seen = seenLeaf(gfn, level, spte);
    if (overTable && this.#judgeMerge(seen)) return;
    const there = this.#seen.at(gfn);
    const wanted = [...this.#toMake.values()].find((leaf) => covers(gfn, level, leaf.gfn));
    if (fault && there === undefined && wanted !== undefined) {
      this.#toMake.delete(wanted.gfn);
      this.#compare(wanted, seen);
      return;
    }
    const stays = this.model.leafAt(gfn);
    const expected = this.model.expectedLeaf(this.#vcpu, gfn);
    const foreseen = this.#isInfra(gfn) || (this.legacyMmu && this.#faulted.has(prefetchGroup(gfn)));
    if (fault && foreseen && there === undefined && stays === undefined && expected !== undefined) {
      this.#meet(expected, seen);
      return;
    }
    // Where only results are traced, a change of permissions looks like this.
    if (this.legacyMmu && this.#mayChange(gfn) && there !== undefined && sameLeaf(there, seen)) return;
    const should = stays ?? there;
    const how = fault ? 'was made' : 'was made without a fault';
    this.fail('leaf', should === undefined ? 'no leaf' : `${show(should)} stays`, `${show(seen)} ${how}`, {
      gfn,
      why: stays?.why ?? [],
    });
    this.#adopt(seen);
  }

  #compare(expected: Leaf, seen: SeenLeaf): void {
    const { gfn, level } = seen;
    const { why } = expected;
    this.#seen.set(seen);
    this.checks.leaves++;
    if (!matches(expected, seen)) {
      this.fail('leaf', show(expected), show(seen), { gfn, why });
      this.#adopt(seen);
    }
    if (level > expected.maxLevel)
      this.fail('mapping level', `at most ${expected.maxLevel}`, String(level), { gfn, why });
  }

  #judgeCollapse(): void {
    const { left, misplaced } = collapseFaults(this.#seen, this.#collapsed, this.#merged);
    for (const seen of left) {
      this.fail('zap', `${show(seen)} zapped with its table`, 'the leaf stayed', { gfn: seen.gfn });
      this.#seen.delete(seen);
    }
    for (const { gfn } of misplaced)
      this.fail('huge leaf', 'the frames of the small ones', 'other frames', { gfn });
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
    const drift = counts.map((count, i) => count - this.#seen.count(i + 1));
    const isOff = drift.some((n, i) => n !== this.#drift[i]);
    if (isOff) {
      const expected = counts.map((_, i) => this.#seen.count(i + 1) + (this.#drift[i] ?? 0));
      const levels = `${expected.join(' + ')} (4K + 2M + 1G)`;
      this.fail('number of leaves', `${levels} after ${this.#trusted} zaps`, counts.join(' + '));
    } else {
      this.checks.zaps += this.#trusted;
    }
    this.#drift = drift;
    this.#trusted = 0;
  }

  /** Let later steps start from a leaf that was not expected. */
  #adopt(seen: SeenLeaf): void {
    this.#seen.set(seen);
    const type = typeOf(seen);
    if (type !== undefined)
      this.model.observeLeaf({ gfn: seen.gfn, level: seen.level, type, ipat: seen.ipat });
  }
}
