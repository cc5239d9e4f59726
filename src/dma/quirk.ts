import { KVM_X86_QUIRK_IGNORE_GUEST_PAT } from '../arch/kvm-flags.js';
import { quirkName } from '../arch/quirk-names.js';
import { KVM_CAP_DISABLE_QUIRKS2 } from '../kvm/index.js';
import type { Missing } from '../text/missing.js';
import { DmaError, type NoncoherentProvider } from './types.js';

/**
 * Why a quirk cannot be disabled here; undefined if it can.
 * @param quirks what KVM_CHECK_EXTENSION(KVM_CAP_DISABLE_QUIRKS2) says
 */
export function missingQuirk(quirks: number, quirk: number): Missing | undefined {
  if ((quirks & quirk) !== 0) return undefined;
  return {
    reason: `this kernel cannot disable KVM_X86_QUIRK_${quirkName(quirk)} (KVM_CAP_DISABLE_QUIRKS2 answers 0x${quirks.toString(16)})`,
    lift: `run on a kernel whose KVM_CAP_DISABLE_QUIRKS2 has bit 0x${quirk.toString(16)}`,
  };
}

export const mustHaveQuirk = ({ quirks }: { quirks: number }): Missing | undefined =>
  missingQuirk(quirks, KVM_X86_QUIRK_IGNORE_GUEST_PAT);

/** KVM_X86_QUIRK_IGNORE_GUEST_PAT disabled: the whole VM honors the guest's PAT, for good, and its count stays as it is. */
export const quirkProvider: NoncoherentProvider = {
  attach: ({ vm }) => {
    vm.enableCap(KVM_CAP_DISABLE_QUIRKS2, [BigInt(KVM_X86_QUIRK_IGNORE_GUEST_PAT)]);
    return {
      detach: () => {
        throw new DmaError('a quirk that is disabled stays so for the life of its VM');
      },
    };
  },
};
