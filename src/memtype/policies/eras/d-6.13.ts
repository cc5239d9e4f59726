import type { Policy } from '../../policy.js';
import { policyD } from './d.js';

/** As D, on the kernels that put huge leaves back in place when dirty logging ends. */
export const policyD613: Policy = {
  ...policyD,
  name: 'D-6.13',
  base: 'D-6.13',
  versions: { first: [6, 13], last: [6, 15] },
  aliases: ['6.13', '6.14', '6.15'],
  title: 'as D: huge leaves are put back in place when dirty logging ends',
  kernels: '6.13 to 6.15',
  quirks: { ...policyD.quirks, supported: 0x1ff },
  dirtyLogOff: 'recover',
  preFault: 'keep',
};
