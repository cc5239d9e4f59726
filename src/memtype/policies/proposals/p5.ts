import type { Policy } from '../../policy.js';
import { policyE } from '../eras/e.js';
import { policyE612 } from '../eras/e-6.12.js';
import { policyMemslot, policyMemslot612 } from './memslot-flag.js';
import { proposed } from './proposed.js';

/** Both forms of proposal P5 in one kernel: the device, and the memslot flag. */
const withBoth = (flagged: Policy, base: Policy, kernel: string): Policy => ({
  ...flagged,
  ...proposed(base, 'P5', kernel),
  title: `${flagged.title}; KVM_DEV_TYPE_VIRTIO`,
  kernels: `${kernel} with both patches for proposal P5`,
  virtioDevice: true,
});

/** Proposal P5, both forms, on 7.2. */
export const policyP5 = withBoth(policyMemslot, policyE, '7.2');

/** The same on 6.12.y. */
export const policyP5612 = withBoth(policyMemslot612, policyE612, '6.12');
