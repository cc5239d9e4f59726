import { KVM_CAP_DISABLE_QUIRKS2, KVM_X86_QUIRK_IGNORE_GUEST_PAT, type Kvm } from '../kvm/index.js';
import type { Missing } from './missing.js';
import { type Attachment, DmaError, type DmaTarget, type NoncoherentProvider } from './types.js';

/** KVM_X86_QUIRK_IGNORE_GUEST_PAT disabled: the whole VM honors the guest's PAT, for good, and its count stays as it is. */
export class IgnoreGuestPat implements NoncoherentProvider {
  readonly name = 'quirk-ignore-guest-pat';
  readonly counts = 'never';
  readonly #quirks: number;

  constructor(kvm: Kvm) {
    this.#quirks = kvm.checkExtension(KVM_CAP_DISABLE_QUIRKS2);
  }

  probe(): Missing | undefined {
    if ((this.#quirks & KVM_X86_QUIRK_IGNORE_GUEST_PAT) !== 0) return undefined;
    const bit = `0x${KVM_X86_QUIRK_IGNORE_GUEST_PAT.toString(16)}`;
    return {
      reason: `this kernel cannot disable KVM_X86_QUIRK_IGNORE_GUEST_PAT (KVM_CAP_DISABLE_QUIRKS2 answers 0x${this.#quirks.toString(16)})`,
      lift: `run on a kernel whose KVM_CAP_DISABLE_QUIRKS2 has bit ${bit}`,
    };
  }

  attach({ vm }: DmaTarget): Attachment {
    vm.enableCap(KVM_CAP_DISABLE_QUIRKS2, [BigInt(KVM_X86_QUIRK_IGNORE_GUEST_PAT)]);
    return {
      detach: () => {
        throw new DmaError('a quirk that is disabled stays so for the life of its VM');
      },
    };
  }

  close(): void {}
}
