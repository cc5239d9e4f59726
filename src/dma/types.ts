import type { Vm } from '../kvm/index.js';
import type { Missing } from './missing.js';

/** Ways to have KVM treat the DMA of a VM as non-coherent. */
export type ProviderName =
  | 'vfio-noiommu' // KVM_DEV_TYPE_VFIO with the group of a PCI function that no IOMMU translates
  | 'vfio-type1' // with the group of a PCI function behind an IOMMU that does not enforce coherency
  | 'vfio-cdev' // with the device file of a PCI function, in place of a group
  | 'vfio-mdev' // with the group of a mediated sample device
  | 'mdev-cdev' // with its device file
  | 'virtio-device' // KVM_DEV_TYPE_VIRTIO, a proposal
  | 'memslot-flag' // KVM_MEM_NON_COHERENT_DMA on the slot of guest RAM, a proposal
  | 'quirk-ignore-guest-pat'; // KVM_X86_QUIRK_IGNORE_GUEST_PAT disabled

/** A VM, as providers need it. */
export interface DmaTarget {
  vm: Vm;
  /** Delete the slot of guest RAM and make it again with these KVM_MEM_ flags. */
  remakeRam(flags: number): void;
}

/** One registration of non-coherent DMA with a VM. */
export interface Attachment {
  /**
   * Take the registration back.
   * @throws DmaError if it cannot be taken back while the VM lives
   */
  detach(): void;
}

/** A way to non-coherent DMA. */
export interface NoncoherentProvider {
  readonly name: ProviderName;
  /**
   * What attachments add to the VM's count of non-coherent DMA: `each` one; `once` for all VFIO files together
   * (kvm_vfio_update_coherency()); `never`, where it changes the VM's memory types without being counted.
   */
  readonly counts: 'each' | 'once' | 'never';
  /** Why it cannot be had here; undefined if it can, as far as can be told without changing the host. */
  probe(): Missing | undefined;
  /**
   * Register with a VM.
   * @throws KvmError if the kernel refuses, DmaError if it cannot be had
   */
  attach(target: DmaTarget): Attachment;
  /** Give back what attach() took of the host; every attachment must be gone. */
  close(): void;
}

/** A way to non-coherent DMA does not work here; the message says why. */
export class DmaError extends Error {
  override readonly name = 'DmaError';
  readonly code = 'DMA';
}
