import type { Vm } from '../kvm/index.js';

/** One registration of non-coherent DMA with a VM. */
export interface Attachment {
  /** Take the registration back. */
  detach(): void;
}

/** A way to make KVM count non-coherent DMA for a VM. */
export interface NoncoherentProvider {
  /** Short name for reports, such as `vfio-noiommu`. */
  readonly name: string;
  /**
   * Register with `vm`.
   * @throws KvmError or DmaError if the kernel refuses
   */
  attach(vm: Vm): Attachment;
  /** Undo everything that was changed on the host. */
  close(): void;
}

/** A way to non-coherent DMA does not work here; the message says why. */
export class DmaError extends Error {
  readonly code = 'DMA';
}
