import {
  KVM_X86_QUIRK_CD_NW_CLEARED,
  KVM_X86_QUIRK_IGNORE_GUEST_PAT,
  KVM_X86_QUIRK_SLOT_ZAP_ALL,
} from '../../src/arch/kvm-flags.js';
import type { Policy } from '../../src/memtype/index.js';
import type { Environment } from '../../src/recording/recording.js';
import type { Need, Scenario } from '../../src/scenario/types.js';

const QUIRKS: Partial<Record<Need, number>> = {
  'quirk-cd-nw-cleared': KVM_X86_QUIRK_CD_NW_CLEARED,
  'quirk-ignore-guest-pat': KVM_X86_QUIRK_IGNORE_GUEST_PAT,
  'quirk-slot-zap-all': KVM_X86_QUIRK_SLOT_ZAP_ALL,
};

/** Whether a kernel of this policy has what a scenario needs. */
function meets(policy: Policy, need: Need): boolean {
  const quirk = QUIRKS[need];
  if (quirk !== undefined) return (policy.quirks.supported & quirk) !== 0;
  switch (need) {
    case 'nested':
      return policy.paging === 'ept';
    case 'pre-fault':
      return policy.era !== 'A' && policy.era !== 'B';
    case 'virtio-device':
      return policy.virtioDevice;
    case 'no-virtio-device':
      return !policy.virtioDevice;
    case 'memslot-flag':
      return policy.memslotFlag;
    case 'no-memslot-flag':
      return !policy.memslotFlag;
    default:
      return true;
  }
}

/** Whether a scenario runs on a kernel of this policy. */
export const runsUnder = (scenario: Scenario, policy: Policy): boolean =>
  scenario.needs.every((need) => meets(policy, need));

/** Whether a scenario is skipped where the legacy MMU maps guests. */
export const needsTdpMmu = ({ needs }: Scenario): boolean =>
  needs.includes('tdp-mmu') || needs.includes('nested');

const NEEDS = ['virtio-device', 'no-virtio-device', 'memslot-flag', 'no-memslot-flag'] as const;

/** What an agent tells of an EPT host whose kernel has this policy. */
export function environmentOf(policy: Policy, release = '6.1.0'): Environment {
  const missing = NEEDS.filter((need) => !meets(policy, need)).map((need) => [
    need,
    { reason: 'not in this policy', lift: 'another kernel' },
  ]);
  return {
    release,
    version: '#1 SMP test',
    cpuModel: 'test',
    vendor: 'intel',
    paging: 'ept',
    quirks: policy.quirks.supported,
    virtioType: 17,
    memslotFlag: 8,
    noncoherent: 'vfio-noiommu',
    params: { 'kvm_intel.nested': 'Y' },
    cpu: { mtrr: true, pat: true, physBits: 40 },
    kernelLog: 'own',
    missing: Object.fromEntries(missing),
  };
}
