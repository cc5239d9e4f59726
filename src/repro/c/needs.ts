import {
  KVM_X86_QUIRK_CD_NW_CLEARED,
  KVM_X86_QUIRK_IGNORE_GUEST_PAT,
  KVM_X86_QUIRK_SLOT_ZAP_ALL,
} from '../../arch/kvm-flags.js';
import type { Need, Scenario } from '../../scenario/types.js';
import type { Plan } from '../plan.js';
import type { Uses } from './uses.js';
import { hex } from './words.js';

const QUIRKS: Partial<Record<Need, number>> = {
  'quirk-cd-nw-cleared': KVM_X86_QUIRK_CD_NW_CLEARED,
  'quirk-ignore-guest-pat': KVM_X86_QUIRK_IGNORE_GUEST_PAT,
  'quirk-slot-zap-all': KVM_X86_QUIRK_SLOT_ZAP_ALL,
};

const quirkLines = (needs: readonly Need[], uses: Uses): string[] =>
  needs.flatMap((need) => {
    const quirk = QUIRKS[need];
    return quirk === undefined ? [] : uses.call('need_quirk', [hex(quirk)]);
  });

const PROPOSALS: Partial<Record<Need, [snippet: string, wanted: '0' | '1']>> = {
  'virtio-device': ['need_virtio', '1'],
  'no-virtio-device': ['need_virtio', '0'],
  'memslot-flag': ['need_memslot_flag', '1'],
  'no-memslot-flag': ['need_memslot_flag', '0'],
};

const proposalLines = (needs: readonly Need[], uses: Uses): string[] =>
  needs.flatMap((need) => {
    const [snippet, wanted] = PROPOSALS[need] ?? [];
    return snippet === undefined || wanted === undefined ? [] : uses.call(snippet, [wanted]);
  });

/** How far addresses go that memslots and accesses have. */
function bitsOf({ steps }: Scenario): number {
  const ends = steps.flatMap((step) => {
    if (step.do === 'memslot') return [step.gpa + BigInt(step.pages * 4096) - 1n];
    return 'gpa' in step ? [step.gpa] : [];
  });
  return Math.max(0, ...ends.map((end) => end.toString(2).length));
}

/** Lines of main() that skip where something is missing, before the VM is made. */
export function needLines({ scenario, assumptions }: Plan, uses: Uses): string[] {
  const { needs } = scenario;
  const bits = bitsOf(scenario);
  const params = assumptions.flatMap(({ module, name, value }) =>
    uses.call('need_parameter', [`"${module}"`, `"${name}"`, `"${value}"`]),
  );
  const isOfVendor = uses.seesLeaves || needs.includes('known-vendor');
  return [
    ...(isOfVendor ? uses.call('need_parameter', ['"kvm_intel"', '"ept"', '"Y"']) : []),
    ...(uses.seesLeaves ? uses.call('need_parameter', ['"kvm"', '"tdp_mmu"', '"Y"']) : []),
    ...params,
    ...quirkLines(needs, uses),
    ...proposalLines(needs, uses),
    ...(needs.includes('pre-fault')
      ? [...uses.call('need_extension', ['236', '"KVM_PRE_FAULT_MEMORY"'])]
      : []),
    ...(needs.includes('nested') ? uses.call('need_parameter', ['"kvm_intel"', '"nested"', '"Y"']) : []),
    ...(bits > 36 ? uses.call('need_bits', [String(bits)]) : []),
  ];
}
