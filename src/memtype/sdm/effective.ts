import type { MemType, PatType } from '../../arch/memory-types.js';
import type { LeafType } from '../types.js';

/** One cell: the effective type, and whether manuals before the PAT-era errata called it undefined. */
export interface EffectiveCell {
  readonly type: MemType;
  readonly onceUndefined: boolean;
}

const PAT_COLUMNS: readonly PatType[] = ['UC', 'UC-', 'WC', 'WT', 'WP', 'WB'];

/**
 * SDM, "Effective Page-Level Memory Types for Pentium III and More Recent Processor Families". Rows: MTRR or EPT
 * type; columns as in PAT_COLUMNS. An asterisk marks the cells that older editions call undefined.
 */
const TABLE: Record<MemType, readonly string[]> = {
  UC: ['UC', 'UC', 'WC', 'UC', 'UC', 'UC'],
  WC: ['UC', 'WC', 'WC', 'UC*', 'UC*', 'WC'],
  WT: ['UC', 'UC', 'WC', 'WT', 'WP*', 'WT'],
  WP: ['UC', 'WC*', 'WC', 'WT*', 'WP', 'WP'],
  WB: ['UC', 'UC', 'WC', 'WT', 'WP', 'WB'],
};

/** The cell of the table for a row (MTRR or EPT type) and a column (PAT type). */
export function effectiveCell(row: MemType, column: PatType): EffectiveCell {
  const cell = TABLE[row][PAT_COLUMNS.indexOf(column)] as string;
  return { type: cell.replace('*', '') as MemType, onceUndefined: cell.endsWith('*') };
}

/**
 * The type with which a guest access is made, with EPT (SDM, "Memory Type Used for Translated Guest-Physical
 * Addresses"). KVM keeps the hardware CR0.CD clear, so the CR0.CD=1 case of that section never applies to a guest.
 *
 * @param eptType bits 5:3 of the leaf; `none` (nested paging of AMD) leaves the guest's PAT type as it is
 * @param ipat bit 6 of the leaf: ignore the PAT
 */
export function effectiveType(eptType: LeafType, ipat: boolean, pat: PatType): MemType {
  if (eptType === 'none') return effectiveCell('WB', pat).type;
  return ipat ? eptType : effectiveCell(eptType, pat).type;
}
