import { KvmError } from '../errors.js';
import { Handle } from '../handle.js';
import { struct } from '../layout/bytes.js';
import type { NativeAttrs, NativeDevice, NativeHandle } from '../native.js';

/** Names an attribute, with its value where the kernel takes one. */
export interface DeviceAttr {
  group: number;
  attr: number | bigint;
  /**
   * What the attribute's address points to: bytes, up to 4096, or a number taken as a 32-bit int or a bigint
   * taken as a u64. No address is passed without it.
   */
  value?: Uint8Array | number | bigint;
}

const ENXIO = 6;

function valueBytes(value: DeviceAttr['value']): Uint8Array | undefined {
  if (typeof value === 'number') return struct(4, (put) => put.i32(0, value, 'value'));
  if (typeof value === 'bigint') return struct(8, (put) => put.u64(0, value, 'value'));
  return value;
}

/** Anything that has device attributes: devices, and on newer kernels VMs, vCPUs and /dev/kvm. */
export abstract class AttrHandle<N extends NativeAttrs & NativeHandle> extends Handle<N> {
  /**
   * KVM_HAS_DEVICE_ATTR: false if the kernel says ENXIO, as it does of what it does not know.
   * Needs KVM_CAP_DEVICE_CTRL; KVM_CAP_VM_ATTRIBUTES, KVM_CAP_VCPU_ATTRIBUTES, KVM_CAP_SYS_ATTRIBUTES for other
   * than devices.
   * @throws KvmError `KVM_IOCTL`: ENOTTY or EPERM where there are none
   */
  hasAttr(a: DeviceAttr): boolean {
    try {
      this.native.hasAttr(a.group, BigInt(a.attr), valueBytes(a.value));
      return true;
    } catch (error) {
      if (error instanceof KvmError && error.errno === ENXIO) return false;
      throw error;
    }
  }

  /**
   * KVM_GET_DEVICE_ATTR: the first `size` bytes, up to 4096, that the kernel stores.
   * Needs as hasAttr().
   * @throws KvmError `KVM_IOCTL`: ENXIO the attribute is not known; EPERM it cannot be read now
   */
  getAttr(a: Omit<DeviceAttr, 'value'>, size: number): Uint8Array {
    const value = new Uint8Array(size);
    this.native.getAttr(a.group, BigInt(a.attr), value);
    return value;
  }

  /**
   * KVM_SET_DEVICE_ATTR.
   * Needs as hasAttr().
   * @throws KvmError `KVM_IOCTL`: ENXIO the attribute is not known; EPERM it cannot be set now; others by device
   */
  setAttr(a: DeviceAttr): void {
    this.native.setAttr(a.group, BigInt(a.attr), valueBytes(a.value));
  }
}

/** An in-kernel device of a VM (KVM_CREATE_DEVICE). */
export class Device extends AttrHandle<NativeDevice> {}
