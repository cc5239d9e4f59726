import type { Policy, VmView } from '../policy.js';

/** CR0.CD and NW are cleared at reset in the KVM of old; on VMX, RAM stays cacheable with CD=1. */
export const QUIRK_CD_NW_CLEARED = 1 << 1;
/** Deleting or moving a memslot zaps every leaf of the VM (from 6.12). */
export const QUIRK_SLOT_ZAP_ALL = 1 << 7;
/** The guest's PAT is ignored (from 6.16, and from 6.12.78 in that series). */
export const QUIRK_IGNORE_GUEST_PAT = 1 << 9;

/** kvm_check_has_quirk(): a quirk is in force until it is disabled, also one that cannot be. */
export function hasQuirk(vm: VmView, quirk: number): boolean {
  return (vm.disabledQuirks & quirk) === 0;
}

/**
 * The quirks that a kernel of this policy knows on a CPU with or without self-snoop: what KVM_CAP_DISABLE_QUIRKS2 takes.
 * `vmx_hardware_setup()` takes IGNORE_GUEST_PAT out on a CPU without.
 */
export function supportedQuirks({ quirks }: Pick<Policy, 'quirks'>, selfSnoop: boolean): number {
  return selfSnoop ? quirks.supported : quirks.supported & ~quirks.needSelfSnoop;
}
