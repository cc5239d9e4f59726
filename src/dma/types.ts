import type { Vm } from '../kvm/index.js';

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
   * @param close by closing KVM's device for it, of which it is the only registration, where it would be kept otherwise
   * @throws DmaError if it cannot be taken back while the VM lives
   */
  detach(close?: boolean): void;
  /**
   * Register the same once more, where a file stands for it.
   * @throws KvmError EEXIST, as the kernel has it already
   */
  again?(): void;
}

/** Who registers non-coherent DMA with a VM, one way. */
export interface NoncoherentProvider {
  /**
   * Register with a VM.
   * @throws KvmError if the kernel refuses, DmaError if it cannot be had
   */
  attach(target: DmaTarget): Attachment;
  /** Give back what attach() took of the host; every attachment must be gone. */
  close?(): void;
}

/** A way to non-coherent DMA does not work here; the message says why. */
export class DmaError extends Error {
  override readonly name = 'DmaError';
  readonly code = 'DMA';
}
