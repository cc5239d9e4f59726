import type { StepRule } from './step-rule.js';

/** Ways that take the one PCI function that a run has; the default may be one of them. */
const PCI_WAYS: readonly unknown[] = [undefined, 'vfio-noiommu', 'vfio-type1', 'vfio-cdev'];

/** What becomes of other devices when KVM's own is closed is not known; only VFIO has one for all of its files. */
export const wrongClose: StepRule = (step, { replay }) => {
  if (step.do !== 'noncoherent' || step.close === undefined) return undefined;
  if (step.on) return 'what is attached is not closed';
  const [only, ...more] = replay.attached;
  if (more.length > 0) return 'more than one device is attached';
  return only?.via === 'virtio-device' ? 'a virtio device is closed in any case' : undefined;
};

/** A file of VFIO is added again; no other device is known by a file. */
export const wrongAgain: StepRule = (step, { replay }) => {
  if (step.do !== 'noncoherent' || step.again === undefined) return undefined;
  if (!step.on || step.via !== undefined)
    return 'what is added again is on, by the way that it is attached by';
  const attached = replay.attached.find(({ device }) => device !== undefined && device === step.device);
  if (attached === undefined) return 'no such device is attached';
  return attached.via === undefined || attached.via === 'virtio-device'
    ? 'that device is not attached by a way of VFIO that the scenario names'
    : undefined;
};

export const takenDevice: StepRule = (step, { replay }) =>
  step.do === 'noncoherent' &&
  step.on &&
  !step.again &&
  PCI_WAYS.includes(step.via) &&
  replay.attached.some(({ via }) => PCI_WAYS.includes(via))
    ? 'the PCI function is attached already'
    : undefined;
