import { KVM_X86_QUIRK_IGNORE_GUEST_PAT } from '../../arch/kvm-flags.js';
import type { Policy } from '../policy.js';
import { policyA } from './eras/a.js';
import { policyA44 } from './eras/a-4.4.js';
import { policyE } from './eras/e.js';
import { mtrrLevel } from './virtualized.js';

function withoutTypes(
  base: Policy,
  paging: 'npt' | 'shadow',
): Omit<Policy, 'name' | 'base' | 'versions' | 'title'> {
  return {
    ...base,
    paging,
    aliases: [],
    decide: (_vm, _vcpu, _page, why) => {
      why?.push({
        text: 'leaf entries have no memory type here',
        source: 'make_spte(): no memory type without EPT',
      });
      return { type: 'none', ipat: false };
    },
    maxLevel: () => 3,
    errata: () => [],
    stale: {},
  };
}

/** Shadow paging: kvm_intel.ept=N, kvm_amd.npt=N, or a host without second-level paging. */
export const policyNone: Policy = {
  ...withoutTypes(policyE, 'shadow'),
  name: 'none',
  base: 'none',
  versions: { first: [6, 11, 0, 0] },
  title: 'no EPT: shadow paging, no memory type anywhere',
  quirks: { ...policyE.quirks, supported: policyE.quirks.supported & ~KVM_X86_QUIRK_IGNORE_GUEST_PAT },
};

/** Shadow paging on a kernel that virtualized MTRRs under EPT: their writes zap nothing here. */
export const policyNoneA: Policy = {
  ...withoutTypes(policyA, 'shadow'),
  name: 'none-A',
  base: 'none-A',
  versions: { first: [4, 4], last: [6, 10] },
  title: 'no EPT on a kernel of era A',
  kernels: '4.4 to 6.4',
  zaps: { ...policyA.zaps, mtrr: () => undefined },
};

/** AMD nested paging: the guest's PAT always counts, and KVM sets no type. */
export const policyNpt: Policy = {
  ...withoutTypes(policyE, 'npt'),
  name: 'npt',
  base: 'npt',
  versions: { first: [6, 11, 0, 0] },
  title: 'AMD nested paging: no memory type in a leaf, the guest PAT always honored',
  // Only kvm_intel asks for self-snoop.
  quirks: { ...policyE.quirks, needSelfSnoop: 0, disabledAtCreation: KVM_X86_QUIRK_IGNORE_GUEST_PAT },
};

/** AMD nested paging in era A: MTRR writes and CR0.CD zap as on Intel, with no type to change. */
export const policyNptA: Policy = {
  ...withoutTypes(policyA, 'npt'),
  name: 'npt-A',
  base: 'npt-A',
  versions: { first: [6, 0], last: [6, 10] },
  title: 'AMD nested paging on a kernel of era A: zaps as with EPT',
};

/** The same before 6.0, where guest MTRRs bounded the size of a leaf whether or not leaves have types. */
export const policyNptA44: Policy = {
  ...policyNptA,
  name: 'npt-A-4.4',
  base: 'npt-A-4.4',
  versions: { first: [4, 4], last: [5] },
  title: 'as npt-A, with leaves of one guest MTRR type each',
  kernels: '4.4 to 5.19',
  quirks: policyA44.quirks,
  maxLevel: (_vm, vcpu, gfn) => mtrrLevel(vcpu, gfn),
};
