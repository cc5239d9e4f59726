import { KVM_X86_QUIRK_IGNORE_GUEST_PAT } from '../../../arch/kvm-flags.js';
import type { Policy } from '../../policy.js';
import { forcedWb, hostMmio, wbWithPat } from '../decisions.js';
import { hasQuirk } from '../quirks.js';
import { INAPPLICABLE_ON_INTEL, policyD } from './d.js';

const SOURCE = 'vmx_get_mt_mask() and vmx_ignore_guest_pat(), 6.16 and 6.12.78 on';
const SETUP = 'vmx_hardware_setup() and vmx_ignore_guest_pat(), 6.16 and 6.12.78 on';

/** As D, and user space may disable the quirk that ignores the guest's PAT. */
export const policyE: Policy = {
  ...policyD,
  name: 'E',
  era: 'E',
  base: 'E',
  versions: { first: [6, 16] },
  aliases: ['6.16', '6.17', '6.18', '6.19', '7.0', '7.1', '7.2', '7.3'],
  title: 'guest PAT honored with non-coherent DMA or with IGNORE_GUEST_PAT disabled',
  kernels: '6.16 and later',
  decide: (vm, _vcpu, page, why) => {
    if (page.mmio) return hostMmio(why);
    if (vm.noncoherent > 0) return wbWithPat('RAM, and non-coherent DMA: the guest PAT decides', SOURCE, why);
    if (!vm.selfSnoop) {
      const text =
        'RAM, no non-coherent DMA device, and a CPU without self-snoop, where the PAT is always ignored';
      return forcedWb(text, SETUP, why);
    }
    if (hasQuirk(vm, KVM_X86_QUIRK_IGNORE_GUEST_PAT)) {
      return forcedWb('RAM, no non-coherent DMA device, and the quirk IGNORE_GUEST_PAT is on', SOURCE, why);
    }
    const text = 'RAM, and the quirk IGNORE_GUEST_PAT is disabled: the guest PAT decides';
    return wbWithPat(text, SOURCE, why, 'quirk');
  },
  quirks: {
    supported: 0xfff,
    needSelfSnoop: KVM_X86_QUIRK_IGNORE_GUEST_PAT,
    disabledAtCreation: INAPPLICABLE_ON_INTEL,
    update: 'or',
  },
  zaps: { ...policyD.zaps, noncoherent: (vm) => hasQuirk(vm, KVM_X86_QUIRK_IGNORE_GUEST_PAT) },
  stale: { quirks: 's3', noncoherent: 's4', 'dirty-log-off': 's5' },
  dirtyLogOff: 'recover',
  preFault: 'keep',
  preFaultSticks: false,
};
