import type { Leaf } from '../../memtype/index.js';
import type { OwnPages } from '../../recording/recording.js';
import { covers, type Move, type SeenLeaf } from '../evidence/index.js';
import type { SeenLeaves } from './seen-leaves.js';

/** Whether a page of the guest's own lies within a leaf, and nothing maps it: only then can a fault have made that leaf. */
const mayFault = (leaf: SeenLeaf, infra: readonly OwnPages[], seen: SeenLeaves): boolean =>
  infra.some(({ gfn, npages }) =>
    Array.from({ length: npages }, (_, i) => gfn + i).some(
      (page) => covers(leaf, page) && seen.covering(page) === undefined,
    ),
  );

/** Whether a leaf gave way to one of these. */
export const gaveWay = ({ gfn, level }: SeenLeaf, merges: readonly SeenLeaf[]): boolean =>
  merges.some((huge) => level < huge.level && covers(huge, gfn));

/**
 * Huge leaves that came in a step in the place of a table, by a fault on a page of the guest's own. Of vCPUs whose MTRRs disagree, one may
 * have mapped a large page in small leaves, as its ranges end there. Another, for which it is uniform, faults on a page beside them, and
 * maps all of it (kvm_mmu_hugepage_adjust(); tdp_mmu_map_handle_target_level() and handle_removed_pt()).
 * @param expectedAt what a fault on a frame makes now
 */
export const ownMerges = (
  moves: readonly Move[],
  infra: readonly OwnPages[],
  seen: SeenLeaves,
  expectedAt: (gfn: number) => Leaf | undefined,
): SeenLeaf[] =>
  moves.flatMap((move) => {
    if (move.kind !== 'make' || !move.fault) return [];
    const { leaf } = move;
    const isAllowed = leaf.level <= (expectedAt(leaf.gfn)?.maxLevel ?? 0);
    return isAllowed && seen.all().some((small) => gaveWay(small, [leaf])) && mayFault(leaf, infra, seen)
      ? [leaf]
      : [];
  });
