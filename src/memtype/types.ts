import type { MemType } from '../arch/memory-types.js';

/** The type of a leaf entry: `none` where the entry has no memory-type field (AMD nested paging). */
export type LeafType = MemType | 'none';

/** What the SDM says of an address: `undefined` where it leaves an overlap of MTRRs undefined. */
export type ArchType = MemType | 'undefined';

/** One link in the chain that led to an expectation: what holds, and who says so. */
export interface Rule {
  readonly text: string;
  /** SDM section title, or kernel function with its version range. */
  readonly source: string;
}
