import type { MemType } from '../arch/memory-types.js';

/** The type of a leaf entry: `none` where the entry has no memory-type field (AMD nested paging). */
export type LeafType = MemType | 'none';

/** What the SDM says of an address: `undefined` where it leaves an overlap of MTRRs undefined. */
export type ArchType = MemType | 'undefined';

/** Virtual machines whose memory is hidden from the host: Intel's trust domains, and AMD's SEV-SNP. */
export type VmType = 'tdx' | 'snp';

/** What decides the type of a leaf on real kernels; each is a branch of some vmx_get_mt_mask() or of the lookup of guest MTRRs. */
export type TypeSource =
  | 'coherent' // no non-coherent DMA
  | 'device' // host MMIO
  | 'cd'
  | 'mtrrs-off'
  | 'fixed'
  | 'variable'
  | 'overlap' // more than one variable range
  | 'default'
  | 'dma'
  | 'self-snoop' // the CPU snoops its own caches (6.11-rc)
  | 'quirk' // IGNORE_GUEST_PAT is disabled
  | 'flag'; // of a memslot, proposed

/** One link in the chain that led to an expectation: what holds, and who says so. */
export interface Rule {
  readonly text: string;
  /** SDM section title, or kernel function with its version range. */
  readonly source: string;
  /** Present where it decides: the last one of a chain that has it is the source of the type. */
  readonly by?: TypeSource;
}
