import { findPolicy, type Policy, policyWithPaging } from '../memtype/index.js';

/** A kernel of the matrix: a Debian source, with our own patches, which bring a proposal or what an era in between does. */
export interface MatrixKernel {
  name: string;
  source: string;
  /** File names in kernels/patches/. */
  patches: readonly string[];
  /** The policy that probing must find. */
  policy: string;
  /** Module parameters without which it does nothing that another policy does not. */
  params?: readonly string[];
}

/** A change to KVM under discussion, and the scenarios that show it. */
export interface Proposal {
  name: string;
  title: string;
  /** Patterns of scenario names. */
  scenarios: readonly string[];
}

const p5 = (version: string): string[] => [
  `p5-virtio-device-${version}.patch`,
  `p5-memslot-flag-${version}.patch`,
];

/** What brings 6.1 to the eras after it, each above those before it. */
const UP_TO_B = [
  'era-a-6.2-6.1.patch',
  'era-a-6.5-6.1.patch',
  'era-b-6.7-6.1.patch',
  'era-b-6.1.patch',
] as const;

export const KERNELS: readonly MatrixKernel[] = [
  { name: '5.10', source: 'debian:5.10', patches: [], policy: 'A-4.4' },
  { name: '5.10+noiommu', source: 'debian:5.10', patches: ['vfio-noiommu-5.10.patch'], policy: 'A-4.4' },
  { name: '6.1', source: 'debian:6.1', patches: [], policy: 'A' },
  {
    name: '6.1+A-6.2',
    source: 'debian:6.1',
    patches: UP_TO_B.slice(0, 1),
    policy: 'A-6.2',
    // Else huge leaves are split early, and none is in the way of a small one.
    params: ['kvm.eager_page_split=N'],
  },
  { name: '6.1+A-6.5', source: 'debian:6.1', patches: UP_TO_B.slice(0, 2), policy: 'A-6.5' },
  { name: '6.1+B-6.7', source: 'debian:6.1', patches: UP_TO_B.slice(0, 3), policy: 'B-6.7' },
  { name: '6.1+B', source: 'debian:6.1', patches: UP_TO_B, policy: 'B' },
  { name: '6.1+P2', source: 'debian:6.1', patches: ['p2-per-vm-mtrr-6.1.patch'], policy: 'A+P2' },
  {
    name: '6.1+P5',
    source: 'debian:6.1',
    patches: ['p5-memslot-honor-guest-pat-6.1.patch'],
    policy: 'A+P5-memslot-mtrr',
  },
  {
    name: '6.12+C',
    source: 'debian:6.12',
    patches: ['era-d-6.12.patch', 'era-d-6.11-6.12.patch', 'era-c-6.12.patch'],
    policy: 'C',
  },
  {
    name: '6.12+D-6.11',
    source: 'debian:6.12',
    patches: ['era-d-6.12.patch', 'era-d-6.11-6.12.patch'],
    policy: 'D-6.11',
  },
  { name: '6.12+D', source: 'debian:6.12', patches: ['era-d-6.12.patch'], policy: 'D' },
  { name: '6.12', source: 'debian:6.12', patches: [], policy: 'E-6.12' },
  { name: '6.12+P5', source: 'debian:6.12', patches: p5('6.12'), policy: 'E-6.12+P5' },
  { name: '7.2+D-6.13', source: 'debian:7.2', patches: ['era-d-6.13-7.2.patch'], policy: 'D-6.13' },
  { name: '7.2', source: 'debian:7.2', patches: [], policy: 'E' },
  { name: '7.2+P5', source: 'debian:7.2', patches: p5('7.2'), policy: 'E+P5' },
  { name: '7.3', source: 'debian:7.3', patches: [], policy: 'E' },
];

/**
 * The policy that says what a kernel of the matrix must answer about itself, where it is loaded with these module parameters: its quirks
 * are those of its version, unless a patch brought it to another era.
 */
export function answeringPolicy(kernel: MatrixKernel, params: readonly string[]): Policy {
  const policy = findPolicy(expectedPolicy(kernel, params));
  const own = findPolicy(kernel.source.replace('debian:', '')).base;
  return findPolicy(kernel.policy).base === own ? policy : { ...policy, patched: true };
}

/** The policy that probing must find on a kernel that is loaded with these module parameters. */
export function expectedPolicy({ policy }: MatrixKernel, params: readonly string[]): string {
  if (!params.includes('kvm_intel.ept=N')) return policy;
  return policyWithPaging(findPolicy(policy), 'shadow').name;
}

export const PROPOSALS: readonly Proposal[] = [
  {
    name: 'P1',
    title: 'guest MTRRs removed',
    scenarios: ['mtrr', 'cd', 'ram/mtrrs-ignored', 'msr/readback'],
  },
  { name: 'P2', title: 'one MTRR state per VM', scenarios: ['vcpus/zap-shared', 'vcpus/disagree-mtrr'] },
  { name: 'P3', title: 'vCPUs that disagree', scenarios: ['vcpus/disagree-*'] },
  { name: 'P4', title: 'PAT writes zap nothing', scenarios: ['pat', 'msr/invalid-pat'] },
  {
    name: 'P5a',
    title: 'KVM_DEV_TYPE_VIRTIO',
    scenarios: ['virtio', 'dma/virtio-device', 'dma/*-and-virtio'],
  },
  { name: 'P5b', title: 'KVM_MEM_NON_COHERENT_DMA', scenarios: ['memslot'] },
];
