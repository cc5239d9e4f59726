import { KVM_X86_QUIRK_CD_NW_CLEARED, KVM_X86_QUIRK_SLOT_ZAP_ALL } from '../../../arch/kvm-flags.js';
import type { Policy } from '../../policy.js';
import { forcedWb, hostMmio, wbWithPat } from '../decisions.js';
import { STORED_MSRS } from '../msr-routing.js';
import { hasQuirk } from '../quirks.js';

/** Huge leaves are split on a fault since 6.2 (c4b33d28ea5d), and up to the last page that is cleared since 6.8 (cf3ff0ee24d6). */
const HUGE_LEAVES = { inTheWay: 'split', splitToEnd: true } as const;

const SOURCE = 'vmx_get_mt_mask(), 6.11 to 6.15';

/** MTRRs and CR0.CD are stored but ignored; non-coherent DMA makes the guest's PAT count. */
export const policyD: Policy = {
  name: 'D',
  era: 'D',
  base: 'D',
  proposals: [],
  versions: { first: [6, 12], last: [6, 12, 77] },
  aliases: ['6.12.0'],
  title: 'guest MTRRs ignored, PAT honored with non-coherent DMA',
  kernels: '6.12.0 to 6.12.77',
  paging: 'ept',
  decide: (vm, _vcpu, page, why) => {
    if (page.mmio) return hostMmio(why);
    if (vm.noncoherent === 0) return forcedWb('RAM, and no non-coherent DMA device', SOURCE, why);
    return wbWithPat('RAM, and non-coherent DMA: the guest PAT decides, its MTRRs do not', SOURCE, why);
  },
  maxLevel: () => 3,
  errata: () => [],
  quirks: { supported: 0xff, needSelfSnoop: 0, disabledAtCreation: 0, update: 'assign' },
  zaps: {
    mtrr: () => undefined,
    cr0: () => false,
    noncoherent: () => true,
    // kvm_arch_flush_shadow_memslot(), since aa8d1f48d353 (6.12): only an ordinary VM (KVM_X86_DEFAULT_VM) loses all of its leaves.
    memslot: (vm) => (vm.vmType === undefined && hasQuirk(vm, KVM_X86_QUIRK_SLOT_ZAP_ALL) ? 'all' : 'slot'),
  },
  msrs: STORED_MSRS,
  stale: {},
  dirtyLogOff: 'zap',
  hugeLeaves: HUGE_LEAVES,
  // tdp_mmu_map_handle_target_level() sets what make_spte() gives, in 6.12.118; in 7.2.13 it is content with a leaf that is there.
  preFault: 'remake',
  // kvm_mmu_reload() frees obsolete roots since 20a6cff3b283, in 6.16.
  preFaultSticks: true,
  vfioEnds: 'close',
  virtioDevice: false,
  memslotFlag: false,
};

/** Quirks that have no effect on an Intel host with EPT, and are disabled from the start where the kernel says so. */
export const INAPPLICABLE_ON_INTEL = KVM_X86_QUIRK_CD_NW_CLEARED;
