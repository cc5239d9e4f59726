import type { Policy } from '../../policy.js';
import { OLD_MSRS } from '../msr-routing.js';
import { ownMtrrs, virtualizedMtrrs } from '../virtualized.js';
import { policyA } from './a.js';

/**
 * As A, but guest MTRRs bound the size of a leaf also where their types do not count: `kvm_tdp_page_fault()` asked neither
 * for non-coherent DMA nor for EPT before d5e90a699875. Earlier than 4.4 host MMIO (until 606decd67049), disabled MTRRs
 * (until e24dea2afc6a) and CR0.CD (until 879ae1880449) were treated in other ways.
 */
export const policyA44: Policy = {
  ...policyA,
  ...virtualizedMtrrs({ owner: ownMtrrs, cdIpat: true, boundsAllLeaves: true }),
  name: 'A-4.4',
  base: 'A-4.4',
  versions: { first: [4, 4], last: [5] },
  aliases: ['4.4', '4.19', '5.4', '5.10', '5.15'],
  title: 'as A, with leaves of one guest MTRR type each, also without non-coherent DMA',
  kernels: '4.4 to 5.19',
  quirks: { ...policyA.quirks, supported: 0x1f },
  msrs: OLD_MSRS,
  // 5.10.262 has `.destroy` alone; 51cdc8bc120e made that `.release`, in 6.2-rc5 and 6.1.8.
  vfioEnds: 'vm',
};
