import type { Policy } from '../../policy.js';
import { policyE } from './e.js';

/** The quirk as it was backported into 6.12.y, on a kernel that still zaps when dirty logging ends. */
export const policyE612: Policy = {
  ...policyE,
  name: 'E-6.12',
  base: 'E-6.12',
  versions: { first: [6, 12, 78], last: [6, 12] },
  aliases: ['6.12', '6.12.78'],
  title: 'as E, backported: leaves that could be huge are zapped when dirty logging ends',
  kernels: '6.12.78 and later of that series',
  quirks: { ...policyE.quirks, supported: 0x7ff },
  dirtyLogOff: 'zap',
  preFault: 'remake',
  preFaultSticks: true,
  stale: { quirks: 's3', noncoherent: 's4' },
};
