import { PAGE_SIZE } from '../arch/units.js';
import { HostMemory, type Kvm, KvmError } from '../kvm/index.js';
import type { Missing } from '../text/missing.js';
import { likelyMemslotFlag } from './kernel-tables.js';
import type { NoncoherentProvider } from './types.js';

const EINVAL = 22;

/** KVM_MEM_NON_COHERENT_DMA, or the flag that it would be. */
export interface FoundFlag {
  flag: number;
  present: boolean;
}

/**
 * Find KVM_MEM_NON_COHERENT_DMA: make a memslot with it.
 * @param wanted the flag, where the release does not tell it
 */
export function findMemslotFlag(kvm: Kvm, release: string, wanted?: number): FoundFlag {
  const flag = wanted ?? likelyMemslotFlag(release);
  using vm = kvm.createVm();
  using memory = HostMemory.memfd(PAGE_SIZE);
  const region = { slot: 0, gpa: 0n, userspaceAddr: memory.address };
  try {
    vm.setUserMemoryRegion({ ...region, flags: flag, size: BigInt(PAGE_SIZE) });
  } catch (error) {
    if (error instanceof KvmError && error.errno === EINVAL) return { flag, present: false };
    throw error;
  }
  vm.setUserMemoryRegion({ ...region, size: 0n });
  return { flag, present: true };
}

export function mustHaveFlag({ memslot }: { memslot: FoundFlag }): Missing | undefined {
  if (memslot.present) return undefined;
  return {
    reason: `this kernel has no KVM_MEM_NON_COHERENT_DMA (a memslot with flag 0x${memslot.flag.toString(16)} is EINVAL)`,
    lift: 'run a kernel that is built with the patch for proposal P5, memslot flag (kernels/patches)',
  };
}

/** KVM_MEM_NON_COHERENT_DMA on guest RAM: its pages honor the guest's PAT, and the VM's count stays as it is. */
export const memslotProvider = (flag: number): NoncoherentProvider => ({
  attach: (target) => {
    target.remakeRam(flag);
    return { detach: () => target.remakeRam(0) };
  },
});
