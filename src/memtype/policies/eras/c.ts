import type { Policy } from '../../policy.js';
import { forcedWb, hostMmio, wbWithPat } from '../decisions.js';
import { policyD611 } from './d-6.11.js';

const SOURCE = 'vmx_get_mt_mask(), 6.11-rc1 to 6.11-rc7';

/** The PAT is always honored on CPUs that snoop themselves; reverted before 6.11 because of slow UC graphics. */
export const policyC: Policy = {
  ...policyD611,
  decide: (vm, _vcpu, page, why) => {
    if (page.mmio) return hostMmio(why);
    if (vm.noncoherent === 0 && !vm.selfSnoop) {
      return forcedWb('RAM, no non-coherent DMA device, and a CPU without self-snoop', SOURCE, why);
    }
    return wbWithPat(
      'RAM, and non-coherent DMA or a CPU with self-snoop: the guest PAT decides',
      SOURCE,
      why,
      vm.noncoherent === 0 ? 'self-snoop' : 'dma',
    );
  },
  zaps: { ...policyD611.zaps, noncoherent: (vm) => !vm.selfSnoop },
  name: 'C',
  era: 'C',
  base: 'C',
  versions: { first: [6, 11, 0, 0], last: [6, 11, 0, 7] },
  aliases: ['6.11-rc'],
  title: 'guest PAT always honored on CPUs with self-snoop',
  kernels: '6.11-rc1 to 6.11-rc7',
};
