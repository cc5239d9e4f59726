import type { Kvm, Vm } from '../kvm/index.js';
import type { Missing } from '../text/missing.js';
import { likelyVirtioType } from './kernel-tables.js';
import type { NoncoherentProvider } from './types.js';

/** Attribute group of KVM_DEV_TYPE_VIRTIO (RFC of December 2023). */
const KVM_DEV_VIRTIO_NONCOHERENT = 1;
/** Its only attribute: count one non-coherent DMA until the device is closed. */
const KVM_DEV_VIRTIO_NONCOHERENT_SET = 1;

const SET = { group: KVM_DEV_VIRTIO_NONCOHERENT, attr: KVM_DEV_VIRTIO_NONCOHERENT_SET };
const OTHER = { group: KVM_DEV_VIRTIO_NONCOHERENT, attr: KVM_DEV_VIRTIO_NONCOHERENT_SET + 1 };

/** Numbers beyond those that any kernel gives a device of its own, to be tried as well. */
const LAST_TYPE = 31;
const FIRST_TYPE = 11;

/** The device type of KVM_DEV_TYPE_VIRTIO, or the one that it would have. */
export interface VirtioType {
  type: number;
  present: boolean;
}

/** Whether a number is that of a device with the proposal's attribute and no other. */
function isVirtio(vm: Vm, type: number): boolean {
  if (!vm.hasDevice(type)) return false;
  using device = vm.createDevice(type);
  return device.hasAttr(SET) && !device.hasAttr(OTHER);
}

/**
 * Find the device type of KVM_DEV_TYPE_VIRTIO.
 * @param wanted look at this number only
 * @returns the number, and whether the kernel has the device; if not, the number that it would most likely have
 */
export function findVirtioType(kvm: Kvm, release: string, wanted?: number): VirtioType {
  const likely = wanted ?? likelyVirtioType(release);
  const others = Array.from({ length: LAST_TYPE - FIRST_TYPE + 1 }, (_, i) => FIRST_TYPE + i);
  using vm = kvm.createVm();
  const found = (wanted === undefined ? [likely, ...others] : [wanted]).find((type) => isVirtio(vm, type));
  return { type: found ?? likely, present: found !== undefined };
}

export function mustHaveVirtio({ virtio }: { virtio: VirtioType }): Missing | undefined {
  if (virtio.present) return undefined;
  return {
    reason: 'this kernel has no KVM_DEV_TYPE_VIRTIO',
    lift: 'run a kernel that is built with the patch for proposal P5, device (kernels/patches)',
  };
}

/** Non-coherent DMA through KVM_DEV_TYPE_VIRTIO: each device counts one, from its attribute's being set to its closing. */
export const virtioProvider = (type: number): NoncoherentProvider => ({
  attach: ({ vm }) => {
    const device = vm.createDevice(type);
    try {
      device.setAttr(SET);
    } catch (error) {
      device.close();
      throw error;
    }
    return { detach: () => device.close() };
  },
});
