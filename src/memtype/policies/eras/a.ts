import type { Policy } from '../../policy.js';
import { WIDE_MSRS } from '../msr-routing.js';
import { ownMtrrs, virtualizedMtrrs } from '../virtualized.js';

/** Guest MTRRs are virtualized once there is non-coherent DMA; that coming and going zaps nothing. */
export const policyA: Policy = {
  ...virtualizedMtrrs({ owner: ownMtrrs, cdIpat: true, boundsAllLeaves: false }),
  name: 'A',
  era: 'A',
  base: 'A',
  proposals: [],
  versions: { first: [6, 0], last: [6, 1] },
  aliases: ['6.0', '6.1'],
  title: 'guest MTRRs virtualized, IPAT with CR0.CD=1',
  kernels: '6.0 and 6.1',
  quirks: { supported: 0x7f, needSelfSnoop: 0, disabledAtCreation: 0, update: 'assign' },
  msrs: WIDE_MSRS,
  stale: { noncoherent: 's1', mtrr: 's6', 'cr0-guest': 's2', 'cr0-host': 's7' },
  vfioEnds: 'close',
  virtioDevice: false,
  memslotFlag: false,
};
