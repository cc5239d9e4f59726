import type { Policy } from '../../policy.js';
import { policyB } from './b.js';

/** As B, before cf3ff0ee24d6 (6.8): KVM_CLEAR_DIRTY_LOG splits huge leaves up to the page before the last one that is cleared. */
export const policyB67: Policy = {
  ...policyB,
  name: 'B-6.7',
  base: 'B-6.7',
  versions: { first: [6, 7], last: [6, 7] },
  aliases: ['6.7'],
  title: 'as B, with a huge leaf not split for its first page alone when a log is cleared',
  kernels: '6.7',
  hugeLeaves: { inTheWay: 'split', splitToEnd: false },
};
