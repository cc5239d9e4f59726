import type { Leaf } from '../../memtype/index.js';
import { type Move, matches, type SeenLeaf, show } from '../evidence/index.js';
import type { Checks, Fail } from '../verdict.js';

const shadowLeaves = (moves: readonly Move[]): SeenLeaf[] =>
  moves.flatMap((move) => (move.kind === 'shadow' ? [move.leaf] : []));

/**
 * Hold the leaves that KVM made for L2 in a step against those that the step must bring about. That one was zapped no event tells;
 * the next access of L2 does: it makes a leaf where there is none, and only there.
 */
export function judgeShadow(
  moves: readonly Move[],
  wanted: readonly Leaf[],
  { checks, fail }: { checks: Checks; fail: Fail },
): void {
  const left = shadowLeaves(moves);
  for (const leaf of wanted) {
    const { gfn, level, why } = leaf;
    const at = left.findIndex((seen) => seen.gfn === gfn);
    const [seen] = at < 0 ? [] : left.splice(at, 1);
    if (seen === undefined) {
      fail('leaf of L2', show(leaf), 'no leaf was made', { gfn, why });
      continue;
    }
    checks.leaves++;
    if (!matches(leaf, seen)) fail('leaf of L2', show(leaf), show(seen), { gfn, why });
    if (seen.level !== level) fail('mapping level of L2', String(level), String(seen.level), { gfn });
  }
  for (const seen of left) fail('leaf of L2', 'no leaf is made', `${show(seen)} was made`, { gfn: seen.gfn });
}
