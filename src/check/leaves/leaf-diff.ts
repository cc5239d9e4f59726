import { pagesOf } from '../../arch/units.js';
import { type Effect, emptyEffect, type Leaf, type VmModel } from '../../memtype/index.js';
import type { OwnPages } from '../../recording/recording.js';
import {
  covers,
  type Evidence,
  type Move,
  matches,
  type SeenLeaf,
  type StepSeen,
  sameLeaf,
  sameMapping,
  show,
  typeOf,
} from '../evidence/index.js';
import type { Checks, Fail } from '../verdict.js';
import { judgeCollapse, mergesAmong } from './collapse.js';
import { CountDiff } from './count-diff.js';
import type { FaultSource } from './fault-source.js';
import { gaveWay, ownMerges } from './own-merge.js';
import { contains, judgePermissions } from './permissions.js';
import { SeenLeaves } from './seen-leaves.js';
import { judgeZapAll } from './zap-all.js';

type MoveOf<K extends Move['kind']> = Extract<Move, { kind: K }>;

/**
 * Holds what was seen of leaves, step by step, against what the model says that each step brings about. Each move needs its
 * explanation. By what kind of evidence it was seen counts only as far as that says what it can tell.
 */
export class LeafDiff {
  readonly seen = new SeenLeaves();
  readonly #counts: CountDiff;
  #source: FaultSource = { vcpu: 0, guestRuns: true };
  #effect = emptyEffect();
  #toMake = new Map<number, Leaf>();
  #toZap = new Map<number, Leaf>();
  /** Huge leaves that took the place of smaller ones in this step. */
  #merged: Leaf[] = [];
  /** Those that a fault on the guest's own pages put there. */
  #ownMerged: SeenLeaf[] = [];
  /** Leaves that went in this step because the host's memory allows a huge one. */
  #collapsed: SeenLeaf[] = [];

  constructor(
    readonly model: VmModel,
    readonly evidence: Evidence,
    readonly infra: readonly OwnPages[],
    readonly checks: Checks,
    readonly fail: Fail,
  ) {
    this.#counts = new CountDiff(this.seen, checks, fail);
  }

  /** The leaf last seen that maps a page. */
  seenAt(gfn: number): SeenLeaf | undefined {
    return this.seen.covering(gfn);
  }

  #groupOf(gfn: number): number {
    return Math.floor(gfn / this.evidence.faultGroup);
  }

  /** Whether the guest may fault here of its own: it runs in this step, and the page may be mapped with one of its own. */
  #isInfra(gfn: number): boolean {
    if (!this.#source.guestRuns) return false;
    const group = this.#groupOf(gfn);
    return this.infra.some(
      (own) => group >= this.#groupOf(own.gfn) && group <= this.#groupOf(own.gfn + own.npages - 1),
    );
  }

  /** Whether the page may be mapped along with another one, whose fault the step is. */
  #isNeighbour(gfn: number): boolean {
    return this.#effect.made.some(
      (leaf) => leaf.gfn !== gfn && this.#groupOf(leaf.gfn) === this.#groupOf(gfn),
    );
  }

  /**
   * Take the faults of the guest's own pages that came before the step's change took effect: hold them against the
   * state before it, and return the moves that are left.
   */
  takeEarly(moves: readonly Move[], source: FaultSource): readonly Move[] {
    this.#source = source;
    const end = moves.findIndex((move) => !this.#isEarly(move));
    return end < 0 ? [] : moves.slice(end);
  }

  #isEarly(move: Move): boolean {
    if (move.kind !== 'make' || !move.fault || !this.#isInfra(move.leaf.gfn)) return false;
    const { leaf } = move;
    const expected = this.model.expectedLeaf(this.#source.vcpu, leaf.gfn);
    if (expected === undefined || !matches(expected, leaf)) return false;
    if (this.model.leafAt(leaf.gfn) !== undefined) return false;
    this.#meet(expected, leaf);
    return true;
  }

  /** Take note of a leaf of the guest's own pages, which the model cannot foresee. */
  #meet(expected: Leaf, seen: SeenLeaf): void {
    this.#compare(expected, seen);
    const { gfn, level } = seen;
    this.model.apply({ kind: 'access', vcpu: this.#source.vcpu, gfn, access: 'read', level });
  }

  /** Hold what was seen of a step, the moves of takeEarly() taken off, against what the step must bring about. */
  judge({ moves, counts }: StepSeen, effect: Effect = emptyEffect()): void {
    this.#effect = effect;
    // The small leaves may go before or after the huge one comes: know first whether it comes.
    this.#merged = mergesAmong(moves, effect.mayMerge);
    const fresh = (gfn: number): Leaf | undefined => this.model.expectedLeaf(this.#source.vcpu, gfn);
    this.#ownMerged = this.#source.guestRuns ? ownMerges(moves, this.infra, this.seen, fresh) : [];
    this.#collapsed = [];
    this.#toMake = new Map(effect.made.map((leaf) => [leaf.gfn, leaf]));
    this.#toZap = new Map(effect.zapped.map((leaf) => [leaf.gfn, leaf]));
    judgeZapAll(moves, effect, this.fail);
    const believed = this.#believeZaps(moves);
    this.#believeSplits();
    for (const move of moves) this.#judgeMove(move);
    judgePermissions(this.model, this.#effect, this.seen, this.evidence, this.fail);
    judgeCollapse(this.seen, this.#collapsed, [...this.#merged, ...this.#ownMerged], this.fail);
    this.#judgeMissing();
    if (counts !== undefined) this.#counts.judge(counts, believed);
  }

  /**
   * Believe in zaps that nothing shows, and return their number: a count tells whether they were, and the leaves that are
   * made afterwards. Where every root is dropped, all of the leaves are zapped before the ioctl returns
   * (kvm_tdp_mmu_zap_invalidated_roots()), but Linux 5.18 to 6.5 have a kernel thread do that, which is not traced: there
   * all of the zaps are missing, never some.
   */
  #believeZaps(moves: readonly Move[]): number {
    const isSilent = this.#effect.fastZap && !moves.some(({ kind }) => kind === 'zap');
    if (this.evidence.tellsZaps && !isSilent) return 0;
    const believed = this.#toZap.size;
    for (const leaf of this.#toZap.values()) this.seen.delete(leaf);
    this.#toZap.clear();
    return believed;
  }

  #judgeMove(move: Move): void {
    if (move.kind === 'make') this.#judgeMade(move);
    else if (move.kind === 'zap') this.#judgeZap(move.leaf);
    else if (move.kind === 'rewrite') this.#judgeRewrite(move);
    else if (move.kind === 'stray') this.fail('trace', 'nothing of the kind', move.text, { gfn: move.gfn });
  }

  /** Take the leaf that was there before, as it is told; it must be the one that was seen last. */
  #takeOld(old: SeenLeaf): void {
    const known = this.seen.get(old.gfn, old.level);
    this.seen.delete(old);
    if (known !== undefined && sameLeaf(known, old)) return;
    const expected =
      known === undefined ? 'nothing there' : `${show(known)}, frame 0x${known.frame.toString(16)}`;
    this.fail('entry', expected, `${show(old)}, frame 0x${old.frame.toString(16)}`, { gfn: old.gfn });
  }

  /** Splits that nothing tells of, but for the huge leaf's going where zaps are told. */
  #believeSplits(): void {
    if (this.evidence.tellsZaps) return;
    for (const huge of this.#effect.split) {
      const seen = this.seen.get(huge.gfn, huge.level);
      if (seen !== undefined) this.seen.split(seen);
    }
  }

  #judgeZap(old: SeenLeaf): void {
    const { gfn, level } = old;
    this.#takeOld(old);
    if (this.#effect.split.some((huge) => huge.gfn === gfn && huge.level === level)) {
      this.seen.split(old);
      return;
    }
    if (this.#toZap.delete(gfn)) {
      this.checks.zaps++;
      return;
    }
    if (this.#merged.some((huge) => covers(huge, gfn))) {
      this.#collapsed.push(old);
      return;
    }
    if (contains(this.#effect.mayZap, gfn) || gaveWay(old, this.#ownMerged)) {
      this.checks.zaps++;
      this.#collapsed.push(old);
    } else {
      this.fail('zap', 'the leaf stays', `${show(old)} zapped`, { gfn });
    }
    this.model.observeZap(gfn, pagesOf(level));
  }

  /** A leaf may change in place only in its permissions and in its accessed and dirty bits, where its slot is logged. */
  #judgeRewrite({ old, leaf, fault }: MoveOf<'rewrite'>): void {
    this.#takeOld(old);
    if (fault && this.#judgeRemade(old, leaf)) return;
    const wanted = this.#toMake.get(leaf.gfn);
    if (wanted !== undefined && sameMapping(old, leaf)) {
      this.#toMake.delete(wanted.gfn);
      this.#compare(wanted, leaf);
      return;
    }
    this.seen.set(leaf);
    if (contains(this.#effect.mayRewrite, leaf.gfn) && sameMapping(old, leaf)) return;
    this.fail('leaf', `${show(old)} stays`, `${show(leaf)} in its place`, { gfn: leaf.gfn });
    this.#adopt(leaf);
  }

  /** Take a leaf that is made anew in its own place. */
  #judgeRemade(old: SeenLeaf | undefined, leaf: SeenLeaf): boolean {
    const remade = this.#effect.remade.find(({ gfn, level }) => gfn === leaf.gfn && level === leaf.level);
    if (remade === undefined || old?.frame !== leaf.frame) return false;
    this.#compare(remade, leaf);
    return true;
  }

  /** Take a huge leaf in the place of smaller ones, where the end of dirty logging may bring one. */
  #judgeMerge(seen: SeenLeaf): boolean {
    const huge = this.#merged.find((leaf) => leaf.gfn === seen.gfn && leaf.level === seen.level);
    if (huge === undefined || this.seen.get(seen.gfn, seen.level) !== undefined) return false;
    this.checks.leaves++;
    if (!matches(huge, seen)) this.fail('huge leaf', show(huge), show(seen), huge);
    this.#adopt(seen);
    return true;
  }

  #judgeMade({ leaf: seen, fault, over }: MoveOf<'make'>): void {
    if (over === 'table' && this.#judgeMerge(seen)) return;
    const { gfn } = seen;
    const there = this.seen.at(gfn);
    if (over === 'untold' && this.#judgeRemade(there, seen)) return;
    const wanted = [...this.#toMake.values()].find((leaf) => covers(seen, leaf.gfn));
    if (fault && there === undefined && wanted !== undefined) {
      this.#toMake.delete(wanted.gfn);
      this.#compare(wanted, seen);
      return;
    }
    const stays = this.model.leafAt(gfn);
    const expected = this.model.expectedLeaf(this.#source.vcpu, gfn);
    const isForeseen = this.#isInfra(gfn) || this.#isNeighbour(gfn);
    if (fault && isForeseen && there === undefined && stays === undefined && expected !== undefined) {
      this.#meet(expected, seen);
      return;
    }
    // Where only the new entry is told, a change of permissions looks like this.
    const mayBeOld = over === 'untold' && contains(this.#effect.mayRewrite, gfn);
    if (mayBeOld && there !== undefined && sameMapping(there, seen)) return;
    this.#failMade(seen, fault, stays);
  }

  #failMade(seen: SeenLeaf, fault: boolean, stays: Leaf | undefined): void {
    const { gfn } = seen;
    const should = stays ?? this.seen.at(gfn);
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
    this.seen.set(seen);
    this.checks.leaves++;
    if (!matches(expected, seen)) {
      this.fail('leaf', show(expected), show(seen), { gfn, why });
      this.#adopt(seen);
    }
    const { minLevel, maxLevel } = expected;
    if (level >= minLevel && level <= maxLevel) return;
    const wanted =
      minLevel === maxLevel
        ? `${maxLevel}`
        : level > maxLevel
          ? `at most ${maxLevel}`
          : `at least ${minLevel}`;
    this.fail('mapping level', wanted, String(level), { gfn, why });
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

  /** Let later steps start from a leaf that was not expected. */
  #adopt(seen: SeenLeaf): void {
    this.seen.set(seen);
    const { gfn, level, ipat, writable } = seen;
    const type = typeOf(seen);
    if (type !== undefined) this.model.observeLeaf({ gfn, level, type, ipat, writable });
  }
}
