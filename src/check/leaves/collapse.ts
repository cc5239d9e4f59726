import { type Level, levelBase } from '../../arch/units.js';
import type { Leaf } from '../../memtype/index.js';
import { covers, type Move, type SeenLeaf, show } from '../evidence/index.js';
import type { Fail } from '../verdict.js';
import type { SeenLeaves } from './seen-leaves.js';

type Place = Pick<Leaf, 'gfn' | 'level'>;

/** What the tables map that the entries of small leaves are in. */
function tablesOf(leaves: readonly SeenLeaf[]): Place[] {
  const places = leaves.flatMap(({ gfn, level }): Place[] => {
    const above = (level + 1) as Level;
    return level === 3 ? [] : [{ gfn: levelBase(gfn, above), level: above }];
  });
  return [...new Map(places.map((place) => [`${place.level} ${place.gfn}`, place])).values()];
}

/**
 * What is wrong with small leaves that gave way to huge ones in a step. They go by the table: all that it held, tables below it
 * included, or none (zap_collapsible_spte_range() up to 6.12, recover_huge_pages_range() from 6.13, both by handle_removed_pt());
 * and the huge leaf maps the frames that they did (make_huge_spte()).
 * @param collapsed the small leaves that went
 * @param merged the huge leaves that came
 * @returns the leaves that stayed while their table went, and those whose frame the huge leaf does not map in their place
 */
function collapseFaults(
  seen: SeenLeaves,
  collapsed: readonly SeenLeaf[],
  merged: readonly Place[],
): { left: SeenLeaf[]; misplaced: SeenLeaf[] } {
  const gone = tablesOf(collapsed);
  const hugeAt = (gfn: number): Place | undefined => merged.find((huge) => covers(huge, gfn));
  const isMisplaced = ({ gfn, frame }: SeenLeaf): boolean => {
    const place = hugeAt(gfn);
    const huge = place && seen.get(place.gfn, place.level);
    return huge !== undefined && huge.frame + BigInt(gfn - huge.gfn) !== frame;
  };
  return {
    left: seen
      .all()
      .filter(({ level, gfn }) => [...gone, ...merged].some((at) => level < at.level && covers(at, gfn))),
    misplaced: collapsed.filter(isMisplaced),
  };
}

/** Of the huge leaves that may take the place of smaller ones, those that do. */
export const mergesAmong = (moves: readonly Move[], mayMerge: readonly Leaf[]): Leaf[] =>
  mayMerge.filter(({ gfn, level }) =>
    moves.some(
      (m) => m.kind === 'make' && m.over === 'table' && m.leaf.gfn === gfn && m.leaf.level === level,
    ),
  );

/** Fail what is wrong with small leaves that gave way to huge ones, and forget those that went unseen. */
export function judgeCollapse(
  seen: SeenLeaves,
  collapsed: readonly SeenLeaf[],
  merged: readonly Place[],
  fail: Fail,
): void {
  const { left, misplaced } = collapseFaults(seen, collapsed, merged);
  for (const leaf of left) {
    fail('zap', `${show(leaf)} zapped with its table`, 'the leaf stayed', { gfn: leaf.gfn });
    seen.delete(leaf);
  }
  for (const { gfn } of misplaced) fail('huge leaf', 'the frames of the small ones', 'other frames', { gfn });
}
