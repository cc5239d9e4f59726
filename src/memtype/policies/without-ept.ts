import { KVM_X86_QUIRK_IGNORE_GUEST_PAT } from '../../arch/kvm-flags.js';
import type { Policy, QuirkRules, ZapRules } from '../policy.js';
import { policyA } from './eras/a.js';
import { policyA44 } from './eras/a-4.4.js';
import { policyA62 } from './eras/a-6.2.js';
import { policyA65 } from './eras/a-6.5.js';
import { policyB67 } from './eras/b-6.7.js';
import { policyD } from './eras/d.js';
import { policyD611 } from './eras/d-6.11.js';
import { policyD613 } from './eras/d-6.13.js';
import { policyE } from './eras/e.js';
import { policyE612 } from './eras/e-6.12.js';
import { mtrrLevel } from './virtualized.js';

/**
 * The kernels that differ without EPT too, by MSRs, quirks, huge leaves, memslots or zaps, the newest first. B and C differ from D-6.11 in types
 * alone, and in zaps for them.
 */
const BASES: readonly Policy[] = [
  policyE,
  policyD613,
  policyE612,
  policyD,
  { ...policyD611, versions: { ...policyD611.versions, first: policyB67.versions.first } },
  policyA65,
  policyA62,
  policyA,
  policyA44,
];

/** Shadow paging never splits a huge leaf. */
const SHADOW_BASES: readonly Policy[] = BASES.filter((base) => base !== policyA62).map((base) => {
  if (base !== policyA) return base;
  return { ...base, versions: { ...policyA62.versions, first: base.versions.first } };
});

/** From 6.7 to 6.15 nothing is zapped for types where leaves have none (`shadow_memtype_mask`). */
const NO_TYPES: Pick<ZapRules, 'mtrr' | 'cr0' | 'noncoherent'> = {
  mtrr: () => undefined,
  cr0: () => false,
  noncoherent: () => false,
};

const PAGING = {
  npt: {
    title: 'AMD nested paging: no memory type in a leaf, the guest PAT always honored',
    // Only kvm_intel asks for self-snoop.
    quirks: ({ quirks }: Policy): QuirkRules => ({
      ...quirks,
      needSelfSnoop: 0,
      disabledAtCreation: quirks.supported & KVM_X86_QUIRK_IGNORE_GUEST_PAT,
    }),
    // Up to 6.6 update_mtrr() and kvm_post_set_cr0() ask for non-coherent DMA and second-level paging alone.
    zaps: ({ era, zaps }: Policy): ZapRules => (era === 'A' ? zaps : { ...zaps, ...NO_TYPES }),
  },
  shadow: {
    title: 'no EPT: shadow paging, no memory type anywhere',
    quirks: ({ quirks }: Policy): QuirkRules => ({
      ...quirks,
      supported: quirks.supported & ~KVM_X86_QUIRK_IGNORE_GUEST_PAT,
    }),
    // update_mtrr() asks for tdp_enabled; what zaps for a quirk does so without EPT too.
    zaps: ({ era, zaps }: Policy): ZapRules => {
      if (era === 'A') return { ...zaps, mtrr: () => undefined };
      return era === 'E' ? zaps : { ...zaps, ...NO_TYPES };
    },
  },
} as const;

function withoutTypes(base: Policy, paging: 'npt' | 'shadow'): Policy {
  const sort = paging === 'npt' ? 'npt' : 'none';
  const name = base === policyE ? sort : `${sort}-${base.name}`;
  const { title, quirks, zaps } = PAGING[paging];
  // Before 6.0 guest MTRRs bounded the size of a leaf whether or not leaves have types (kvm_tdp_page_fault()).
  const isBounded = base === policyA44 && paging === 'npt';
  return {
    ...base,
    name,
    base: name,
    aliases: [],
    title: base === policyE ? title : `${title}; else as ${base.name}`,
    paging,
    decide: (_vm, _vcpu, _page, why) => {
      why?.push({
        text: 'leaf entries have no memory type here',
        source: 'make_spte(): no memory type without EPT',
      });
      return { type: 'none', ipat: false };
    },
    maxLevel: (_vm, vcpu, gfn) => (isBounded ? mtrrLevel(vcpu, gfn) : 3),
    errata: () => [],
    stale: {},
    quirks: quirks(base),
    zaps: zaps(base),
  };
}

/** Every policy of kernels whose leaves have no memory types: by shadow paging, and by AMD nested paging. */
export const WITHOUT_EPT: readonly Policy[] = [
  ...SHADOW_BASES.map((base) => withoutTypes(base, 'shadow')),
  ...BASES.map((base) => withoutTypes(base, 'npt')),
];
