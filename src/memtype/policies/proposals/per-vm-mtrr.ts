import type { Policy, VcpuView } from '../../policy.js';
import { policyA } from '../eras/a.js';
import { virtualizedMtrrs } from '../virtualized.js';
import { proposed } from './proposed.js';

/** Proposal P2 (Yan Zhao, May 2023): the MTRRs of vCPU 0 are the VM's; the others' are stored and ignored. */
export const policyPerVm: Policy = {
  ...policyA,
  ...virtualizedMtrrs({ owner: (vm) => vm.vcpus[0] as VcpuView, cdIpat: true, boundsAllLeaves: false }),
  ...proposed(policyA, 'P2', '6.1', 'P2'),
  title: 'as A, with one MTRR state per VM, that of vCPU 0',
  kernels: '6.1 with the patch for proposal P2',
};
