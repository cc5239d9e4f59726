import type { Policy } from '../../policy.js';
import { policyMemslot, policyMemslot612 } from './memslot-flag.js';

/** Both forms of proposal P5 in one kernel: the device, and the memslot flag. */
const withBoth = (flagged: Policy, era: string, kernel: string): Policy => ({
  ...flagged,
  name: `${era}+P5`,
  aliases: [`${kernel}+P5`],
  title: `${flagged.title}; KVM_DEV_TYPE_VIRTIO`,
  kernels: `${kernel} with both patches for proposal P5`,
  virtioDevice: true,
});

/** Proposal P5, both forms, on 7.2. */
export const policyP5 = withBoth(policyMemslot, 'E', '7.2');

/** The same on 6.12.y. */
export const policyP5612 = withBoth(policyMemslot612, 'E-6.12', '6.12');
