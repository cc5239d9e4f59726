import { pagesOf } from '../../arch/units.js';
import type { Leaf } from '../../memtype/index.js';
import { covers, type SeenLeaf } from '../evidence/index.js';
import type { SeenLeaves } from './seen-leaves.js';

const tableOf = (gfn: number): number => Math.floor(gfn / pagesOf(2));

/**
 * What is wrong with small leaves that gave way to huge ones in a step. They go by the table: all that it held, or none
 * (zap_collapsible_spte_range() up to 6.12, recover_huge_pages_range() from 6.13, both by handle_removed_pt()); and the
 * huge leaf maps the frames that they did (make_huge_spte()).
 * @param collapsed the small leaves that went
 * @param merged the huge leaves that came
 * @returns the leaves that stayed while their table went, and those whose frame the huge leaf does not map in their place
 */
export function collapseFaults(
  seen: SeenLeaves,
  collapsed: readonly SeenLeaf[],
  merged: readonly Leaf[],
): { left: SeenLeaf[]; misplaced: SeenLeaf[] } {
  const tables = new Set(collapsed.map(({ gfn }) => tableOf(gfn)));
  const hugeAt = (gfn: number): Leaf | undefined => merged.find((huge) => covers(huge, gfn));
  const isMisplaced = ({ gfn, frame }: SeenLeaf): boolean => {
    const place = hugeAt(gfn);
    const huge = place && seen.get(place.gfn, place.level);
    return huge !== undefined && huge.frame + BigInt(gfn - huge.gfn) !== frame;
  };
  return {
    left: seen
      .all()
      .filter(({ level, gfn }) => level === 1 && (tables.has(tableOf(gfn)) || hugeAt(gfn) !== undefined)),
    misplaced: collapsed.filter(isMisplaced),
  };
}
