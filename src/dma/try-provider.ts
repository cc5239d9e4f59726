import { type Kvm, KvmError } from '../kvm/index.js';
import type { Missing } from '../text/missing.js';
import type { NoncoherentProvider } from './types.js';
import { leaveVm } from './vfio.js';

const EPERM = 1;

/** Register non-coherent DMA with a VM that is made for it, and undo that: what is missing if VFIO does not permit it. */
export function tryProvider(kvm: Kvm, provider: NoncoherentProvider): Missing | undefined {
  using vm = kvm.createVm();
  try {
    provider.attach({ vm, remakeRam: () => undefined }).detach();
    return undefined;
  } catch (error) {
    if (!(error instanceof KvmError) || error.errno !== EPERM) throw error;
    return {
      reason: 'VFIO of this kernel gives KVM no device without an IOMMU',
      lift: 'run on a kernel of 6.1 or later, on this one with kernels/patches/vfio-noiommu-5.10.patch, or where an IOMMU is active',
    };
  } finally {
    leaveVm(vm);
    provider.close?.();
  }
}
