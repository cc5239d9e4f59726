/**
 * Ways to non-coherent DMA that KVM counts for a VM. The first that can be had stands for all where it does not matter which: a
 * device that was named comes first, as VFIO is how VMs come by it on every kernel; of its files the group without an
 * IOMMU, which 6.1 knows as well as 7.3. A mediated device needs no hardware, but a sample driver. The proposal's device
 * comes last: what is under test should not carry the other tests.
 */
export const COUNTED_WAYS = [
  'vfio-noiommu', // KVM_DEV_TYPE_VFIO with the group of a PCI function that no IOMMU translates
  'vfio-type1', // with the group of a PCI function behind an IOMMU that does not enforce coherency
  'vfio-cdev', // with the device file of a PCI function, in place of a group
  'vfio-mdev', // with the group of a mediated sample device
  'mdev-cdev', // with its device file
  'virtio-device', // KVM_DEV_TYPE_VIRTIO, a proposal
] as const;

/** Every way to the memory types of non-coherent DMA; the last two change them without being counted. */
export const DMA_WAYS = [
  ...COUNTED_WAYS,
  'memslot-flag', // KVM_MEM_NON_COHERENT_DMA on the slot of guest RAM, a proposal
  'quirk-ignore-guest-pat', // KVM_X86_QUIRK_IGNORE_GUEST_PAT disabled
] as const;

/** A way to non-coherent DMA that KVM counts for a VM. */
export type CountedWay = (typeof COUNTED_WAYS)[number];
/** A way to the memory types of non-coherent DMA. */
export type DmaWay = (typeof DMA_WAYS)[number];
