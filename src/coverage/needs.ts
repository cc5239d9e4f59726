import { KVM_X86_QUIRK_CD_NW_CLEARED, KVM_X86_QUIRK_IGNORE_GUEST_PAT } from '../arch/kvm-flags.js';
import type { Policy } from '../memtype/index.js';
import type { Need, Scenario } from '../scenario/types.js';

/** Needs that the policy of a kernel decides, not its machine. */
const DECIDED: Partial<Record<Need, (policy: Policy) => boolean>> = {
  'virtio-device': ({ virtioDevice }) => virtioDevice,
  'no-virtio-device': ({ virtioDevice }) => !virtioDevice,
  'memslot-flag': ({ memslotFlag }) => memslotFlag,
  'no-memslot-flag': ({ memslotFlag }) => !memslotFlag,
  'quirk-cd-nw-cleared': ({ quirks }) => (quirks.supported & KVM_X86_QUIRK_CD_NW_CLEARED) !== 0,
  'quirk-ignore-guest-pat': ({ quirks }) => (quirks.supported & KVM_X86_QUIRK_IGNORE_GUEST_PAT) !== 0,
};

/** Whether a scenario runs on a kernel of this policy, on a machine that has all that it needs. */
export const runsUnder = ({ needs }: Pick<Scenario, 'needs'>, policy: Policy): boolean =>
  needs.every((need) => DECIDED[need]?.(policy) ?? true);
