import type { Policy } from '../../policy.js';
import { policyD } from './d.js';

/**
 * As D, before aa8d1f48d353 (6.12) brought the quirk SLOT_ZAP_ALL: a memslot that goes always takes every leaf of the VM
 * with it.
 */
export const policyD611: Policy = {
  ...policyD,
  zaps: { ...policyD.zaps, memslot: () => 'all' },
  name: 'D-6.11',
  base: 'D-6.11',
  versions: { first: [6, 11, 0, 8], last: [6, 11] },
  aliases: ['6.11'],
  title: 'as D: a memslot that goes always zaps everything',
  kernels: '6.11',
  quirks: { ...policyD.quirks, supported: 0x7f },
};
