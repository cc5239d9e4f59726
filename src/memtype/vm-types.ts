import { KVM_X86_QUIRK_IGNORE_GUEST_PAT } from '../arch/kvm-flags.js';
import type { Decision, Policy } from './policy.js';
import type { Rule, VmType } from './types.js';

/** All of them. */
export const VM_TYPES: readonly VmType[] = ['tdx', 'snp'];

/** Quirks that are disabled in such a VM from the start (`tdx_vm_init()`, 6.16 to 7.3). */
export const quirksOfType = (type: VmType | undefined): number =>
  type === 'tdx' ? KVM_X86_QUIRK_IGNORE_GUEST_PAT : 0;

/** Whether kernels of a policy can run such VMs: TDX came in 6.16, SEV-SNP in 6.11. */
export function hasVmType({ paging, era, base }: Policy, type: VmType | undefined): boolean {
  if (type === undefined) return true;
  if (type === 'tdx') return paging === 'ept' && base === 'E';
  return paging === 'npt' && era !== 'A' && era !== 'B';
}

/** What tells a TD's pages from those of other guests. */
export function tdRule(isPrivate: boolean): Rule {
  return isPrivate
    ? {
        text: "a TD's private page: the TDX module maps it, WB whatever the guest's PAT says",
        source: 'TDX module; "KVM: TDX: Always honor guest PAT on TDX enabled guests", 6.16',
      }
    : {
        text: "a TD's shared page: KVM maps it, and IGNORE_GUEST_PAT is disabled from the TD's creation",
        source: 'tdx_vm_init(), 6.16 to 7.3',
      };
}

/** The type of a TD's private page. */
export const TD_PRIVATE: Decision = { type: 'WB', ipat: true };

/** An access of L2, the guest of the guest. */
export const L2_RULE: Rule = {
  text: "an access of L2: KVM's shadow of L1's EPT has the type that L1's own page would get; what L1's EPT says of it is dropped",
  source: 'make_spte() and FNAME(gpte_access)(), 6.1 to 7.3',
};
