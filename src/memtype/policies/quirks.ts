import type { Policy, VmView } from '../policy.js';

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
