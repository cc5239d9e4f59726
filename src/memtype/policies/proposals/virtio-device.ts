import type { Policy } from '../../policy.js';
import { policyE } from '../eras/e.js';
import { policyE612 } from '../eras/e-6.12.js';
import { proposed } from './proposed.js';

const withDevice = (base: Policy, kernel: string): Policy => ({
  ...base,
  ...proposed(base, 'P5-device', kernel),
  title: `${base.title}; KVM_DEV_TYPE_VIRTIO`,
  kernels: `${kernel} with the patch for proposal P5, device`,
  virtioDevice: true,
});

/** Proposal P5, first form: a KVM device that counts as a non-coherent one. */
export const policyVirtioDevice = withDevice(policyE, '7.2');

/** The same on 6.12.y. */
export const policyVirtioDevice612 = withDevice(policyE612, '6.12');
