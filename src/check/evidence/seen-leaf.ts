import { MEM_TYPES, type MemType, memTypeName } from '../../arch/memory-types.js';
import { GFN_LIMIT, type Level, PAGE_SHIFT, pagesOf } from '../../arch/units.js';
import type { Leaf } from '../../memtype/index.js';
import { decodeLeaf, type Presence } from '../../observe/spte.js';

/** A leaf as it was seen. */
export interface SeenLeaf {
  gfn: number;
  level: Level;
  type: string;
  ipat: boolean;
  writable: boolean;
  /** First host frame that it maps. */
  frame: bigint;
}

/** Bits 51:12 of an entry: the frame. */
const frameOf = (spte: bigint): bigint => (spte >> PAGE_SHIFT) & (BigInt(GFN_LIMIT) - 1n);

/** Whether a leaf maps frame `page`. */
export const covers = ({ gfn, level }: { gfn: number; level: Level }, page: number): boolean =>
  page >= gfn && page < gfn + pagesOf(level);

const isLevel = (level: number): level is Level => level >= 1 && level <= 3;

/** Read an entry; undefined unless it is a leaf of 4 KiB, 2 MiB or 1 GiB, at a frame where one of that size can be. */
export function leafOf(gfn: number, level: number, spte: bigint, presence?: Presence): SeenLeaf | undefined {
  if (!isLevel(level) || gfn % pagesOf(level) !== 0) return undefined;
  const bits = decodeLeaf(spte, level, presence);
  if (bits === undefined) return undefined;
  const { type, ipat, writable } = bits;
  return { gfn, level, type: memTypeName(type), ipat, writable, frame: frameOf(spte) };
}

/** A leaf's type, IPAT and whether it is read-only, for people. */
export const show = (leaf: { type: string; ipat: boolean; writable: boolean }): string =>
  `${leaf.type} IPAT=${leaf.ipat ? 1 : 0}${leaf.writable ? '' : ', read-only'}`;

/** Whether a leaf is as the model expects: type and IPAT, where there are types, and whether it may be written. */
export const matches = (expected: Leaf, seen: SeenLeaf): boolean =>
  expected.writable === seen.writable &&
  (expected.type === 'none' || (expected.type === seen.type && expected.ipat === seen.ipat));

/** Whether two leaves map the same frames with the same type; whether they may be written is left out. */
export const sameMapping = (a: SeenLeaf, b: SeenLeaf): boolean =>
  a.level === b.level && a.type === b.type && a.ipat === b.ipat && a.frame === b.frame;

/** Whether an entry is that of a leaf seen before. Accessed and dirty bits are left out: the processor changes them, and no event tells. */
export const sameLeaf = (a: SeenLeaf, b: SeenLeaf): boolean => sameMapping(a, b) && a.writable === b.writable;

/** The memory type of a leaf, undefined for a reserved one. */
export const typeOf = (seen: SeenLeaf | undefined): MemType | undefined =>
  MEM_TYPES.find((type): type is MemType => type === seen?.type);
