import type { Policy } from '../../policy.js';
import { NARROW_MSRS } from '../msr-routing.js';
import { policyA } from './a.js';

/** As A, with fewer MSR numbers sent to the MTRR code. */
export const policyA65: Policy = {
  ...policyA,
  name: 'A-6.5',
  base: 'A-6.5',
  versions: { first: [6, 5], last: [6, 6] },
  aliases: ['6.5', '6.6'],
  title: 'as A, with the narrower MSR routing of 6.5',
  kernels: '6.5 and 6.6',
  msrs: NARROW_MSRS,
  hugeLeaves: { inTheWay: 'split', splitToEnd: false },
};
