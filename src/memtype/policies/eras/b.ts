import type { Policy } from '../../policy.js';
import { NARROW_MSRS } from '../msr-routing.js';
import { ownMtrrs, virtualizedMtrrs } from '../virtualized.js';

const base = virtualizedMtrrs({ owner: ownMtrrs, cdIpat: false, boundsAllLeaves: false });

/** As A, but CR0.CD=1 honors the PAT, and non-coherent DMA coming and going zaps everything. */
export const policyB: Policy = {
  ...base,
  zaps: { ...base.zaps, noncoherent: () => true },
  name: 'B',
  era: 'B',
  base: 'B',
  proposals: [],
  versions: { first: [6, 8], last: [6, 10] },
  aliases: ['6.8', '6.9', '6.10'],
  title: 'guest MTRRs virtualized, PAT honored with CR0.CD=1',
  kernels: '6.8 to 6.10',
  quirks: { supported: 0x7f, needSelfSnoop: 0, disabledAtCreation: 0, update: 'assign' },
  msrs: NARROW_MSRS,
  hugeLeaves: { inTheWay: 'split', splitToEnd: true },
  stale: { mtrr: 's6', 'cr0-guest': 's2', 'cr0-host': 's7' },
  virtioDevice: false,
  vfioEnds: 'close',
  memslotFlag: false,
};
