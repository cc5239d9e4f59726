import type { Policy } from '../../policy.js';
import { policyA } from './a.js';

/** As A, since c4b33d28ea5d: a huge leaf that is in the way of a small one is split, and not zapped. */
export const policyA62: Policy = {
  ...policyA,
  name: 'A-6.2',
  base: 'A-6.2',
  versions: { first: [6, 2], last: [6, 4] },
  aliases: ['6.2', '6.3', '6.4'],
  title: 'as A, with huge leaves split that are in the way of small ones',
  kernels: '6.2 to 6.4',
  hugeLeaves: { inTheWay: 'split', splitToEnd: false },
};
