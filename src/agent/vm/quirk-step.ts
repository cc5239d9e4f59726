import { KVM_CAP_DISABLE_QUIRKS, KVM_CAP_DISABLE_QUIRKS2, type Vm } from '../../kvm/index.js';
import { quirkMask } from '../../scenario/bits.js';
import type { DisableQuirkStep } from '../../scenario/types.js';
import { ioctlResult } from '../dma-steps.js';

/** Disable quirks: `ok`, or the name of the errno. */
export function takeQuirkOff(vm: Vm, { quirk, old }: DisableQuirkStep): string {
  const cap = old ? KVM_CAP_DISABLE_QUIRKS : KVM_CAP_DISABLE_QUIRKS2;
  return ioctlResult(() => vm.enableCap(cap, [BigInt(quirkMask(quirk))]));
}
