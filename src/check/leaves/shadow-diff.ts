import type { Effect } from '../../memtype/index.js';
import { type Move, matches, type SeenLeaf, sameLeaf, show } from '../evidence/index.js';
import type { Checks, Fail } from '../verdict.js';

const hex = (frame: bigint): string => `0x${frame.toString(16)}`;

const shadowLeaves = (moves: readonly Move[]): SeenLeaf[] =>
  moves.flatMap((move) => (move.kind === 'shadow' ? [move.leaf] : []));

/**
 * Hold the leaves that KVM made for L2 in a step against those that the step must bring about. That one was zapped no event tells;
 * the next access of L2 does: it makes a leaf where there is none, and only there.
 * @param ofGuest the leaf that maps a frame for the guest itself (L1), if there is one: L2 gets the same memory
 */
export function judgeShadow(
  moves: readonly Move[],
  effect: Pick<Effect, 'shadowMade' | 'remade'> | undefined,
  { checks, fail }: { checks: Checks; fail: Fail },
  ofGuest: (gfn: number) => SeenLeaf | undefined,
): void {
  const left = shadowLeaves(moves);
  for (const leaf of effect?.shadowMade ?? []) {
    const { gfn, level, why } = leaf;
    const at = left.findIndex((seen) => seen.gfn === gfn);
    const [seen] = at < 0 ? [] : left.splice(at, 1);
    if (seen === undefined) {
      fail('leaf of L2', show(leaf), 'no leaf was made', { gfn, why });
      continue;
    }
    checks.leaves++;
    if (!matches(leaf, seen)) fail('leaf of L2', show(leaf), show(seen), { gfn, why });
    const own = ofGuest(gfn);
    if (own?.level === level && own.frame !== seen.frame)
      fail('frame of L2', hex(own.frame), hex(seen.frame), { gfn });
    if (seen.level !== level) fail('mapping level of L2', String(level), String(seen.level), { gfn });
  }
  const isOneOf = (leaves: readonly { gfn: number; level: number }[], { gfn, level }: SeenLeaf): boolean =>
    leaves.some((leaf) => leaf.gfn === gfn && leaf.level === level);
  const rewritten = moves.flatMap((move) => (move.kind === 'rewrite' ? [move.leaf] : []));
  // tdp_mmu_map_handle_target_level() tells of an entry once, also where what it would set is there already.
  const isSetAgain = (seen: SeenLeaf, i: number): boolean => {
    const own = ofGuest(seen.gfn);
    const isTold = isOneOf([...rewritten, ...left.slice(0, i)], seen);
    return own !== undefined && sameLeaf(own, seen) && !isTold && isOneOf(effect?.remade ?? [], seen);
  };
  for (const seen of left.filter((leaf, i) => !isSetAgain(leaf, i)))
    fail('leaf of L2', 'no leaf is made', `${show(seen)} was made`, { gfn: seen.gfn });
}
