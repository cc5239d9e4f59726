import { KvmError } from '../errors.js';
import { struct } from '../layout/bytes.js';
import { encodeCap, encodeMsrFilter, type MsrFilter } from '../layout/vm-structs.js';
import { native } from '../native.js';
import { KVM_CREATE_DEVICE_TEST } from '../uapi.js';
import { Device } from './device.js';
import { KvmFile } from './file.js';
import { Vcpu } from './vcpu.js';
import { VmInterrupts } from './vm-interrupts.js';

export type { IoEvent } from './vm-interrupts.js';

/** A memslot (struct kvm_userspace_memory_region); size 0 deletes it. */
export interface MemoryRegion {
  /** Slot number, address space in bits 16 and up. */
  slot: number;
  /** KVM_MEM_*; 0 unless told. */
  flags?: number;
  /** Where it starts in the guest, page aligned. */
  gpa: bigint;
  /** Bytes. */
  size: bigint;
  /** Host address inside one open HostMemory. */
  userspaceAddr: bigint;
}

/** A memslot that may have a guest_memfd (struct kvm_userspace_memory_region2). */
export interface MemoryRegion2 extends MemoryRegion {
  guestMemfd?: KvmFile;
  guestMemfdOffset?: bigint;
}

const BITS_PER_WORD = 64;
const ENODEV = 19;

/** Bytes of a dirty bitmap, as KVM rounds them. */
function bitmapBytes(pages: number): number {
  return Math.ceil(pages / BITS_PER_WORD) * 8;
}

/** A virtual machine. KVM frees it when the Vm, its vCPUs, devices and files are all closed, in any order. */
export class Vm extends VmInterrupts {
  /**
   * The VM that another thread names by its `handle`, while that thread still has it open.
   * @throws KvmError `KVM_CLOSED`
   */
  static attach(handle: number): Vm {
    return new Vm(native().attachVm(handle));
  }

  /** Number by which another thread of this process can attach(). */
  get handle(): number {
    return this.native.number();
  }

  /**
   * KVM_CHECK_EXTENSION on the VM: 0 if there is no such capability.
   * Needs KVM_CAP_CHECK_EXTENSION_VM; an older KVM answers ENOTTY.
   */
  checkExtension(cap: number): number {
    return this.native.checkExtension(cap);
  }

  /**
   * KVM_ENABLE_CAP with up to four arguments.
   * Needs KVM_CAP_ENABLE_CAP_VM.
   * @throws KvmError `KVM_IOCTL`: EINVAL the capability is not known, cannot be enabled on a VM, or not with these
   * arguments or not any more (most want no vCPU yet)
   */
  enableCap(cap: number, args: readonly bigint[] = [], flags = 0): number {
    return this.native.enableCap(encodeCap(cap, args, flags));
  }

  /**
   * KVM_CREATE_VCPU.
   * Needs basic KVM.
   * @throws KvmError `KVM_IOCTL`: EINVAL the id is KVM_CAP_MAX_VCPU_ID or more, or there are KVM_CAP_MAX_VCPUS
   * already; EEXIST the id is taken; ENOMEM
   */
  createVcpu(id: number): Vcpu {
    return new Vcpu(this.native.createVcpu(id), id);
  }

  /**
   * KVM_SET_USER_MEMORY_REGION. The memory stays mapped as long as a slot of a living VM points into it.
   * Needs KVM_CAP_USER_MEMORY.
   * @throws KvmError `KVM_IOCTL`: EINVAL an address or size is no multiple of 4096, a flag is not known, the slot
   * is KVM_CAP_NR_MEMSLOTS or more, or a slot that exists would get another size or backing; EEXIST it overlaps
   * another slot; ENOMEM
   */
  setUserMemoryRegion(r: MemoryRegion): void {
    this.native.setUserMemoryRegion(r.slot, r.flags ?? 0, r.gpa, r.size, r.userspaceAddr);
  }

  /**
   * KVM_SET_USER_MEMORY_REGION2 (Linux 6.8).
   * Needs KVM_CAP_USER_MEMORY2, Linux 6.8.
   * @throws KvmError `KVM_IOCTL`: those of setUserMemoryRegion(); EINVAL also where the guest_memfd is not of this
   * VM or too short
   */
  setUserMemoryRegion2(r: MemoryRegion2): void {
    const { slot, flags = 0, gpa, size, userspaceAddr, guestMemfd, guestMemfdOffset = 0n } = r;
    this.native.setUserMemoryRegion2(
      slot,
      flags,
      gpa,
      size,
      userspaceAddr,
      guestMemfd?.number,
      guestMemfdOffset,
    );
  }

  /**
   * KVM_CREATE_GUEST_MEMFD (Linux 6.8).
   * Needs KVM_CAP_GUEST_MEMFD, Linux 6.8, and a VM type that has it.
   * @param size bytes
   * @throws KvmError `KVM_IOCTL`: EINVAL the size is 0 or no multiple of 4096, or a flag is not known; ENOTTY where
   * the kernel has no guest_memfd
   */
  createGuestMemfd(size: bigint, flags = 0n): KvmFile {
    return new KvmFile(this.native.createGuestMemfd(size, flags));
  }

  /**
   * KVM_SET_MEMORY_ATTRIBUTES (Linux 6.8).
   * Needs KVM_CAP_MEMORY_ATTRIBUTES, Linux 6.8.
   * @throws KvmError `KVM_IOCTL`: EINVAL the range is no multiple of 4096, or an attribute is not known to this VM;
   * ENOTTY on older kernels
   */
  setMemoryAttributes(a: { address: bigint; size: bigint; attributes: bigint }): void {
    this.native.setMemoryAttributes(
      struct(32, (put) => {
        put.u64(0, a.address, 'address');
        put.u64(8, a.size, 'size');
        put.u64(16, a.attributes, 'attributes');
      }),
    );
  }

  /**
   * KVM_GET_DIRTY_LOG: one bit per page of the slot, `npages` at least as many as the slot has.
   * Needs basic KVM.
   * @throws KvmError `KVM_IOCTL`: ENOENT there is no such slot, or it does not log; EINVAL the slot number is too
   * high; ENXIO the VM has a dirty ring instead
   */
  getDirtyLog(slot: number, npages: number): Uint8Array {
    const bitmap = new Uint8Array(bitmapBytes(npages));
    this.native.getDirtyLog(slot, bitmap);
    return bitmap;
  }

  /**
   * KVM_CLEAR_DIRTY_LOG: clear and write-protect again the pages whose bits are set.
   * Needs KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, Linux 5.2.
   * @param firstPage a multiple of 64
   * @param npages a multiple of 64, or up to the end of the slot
   * @throws KvmError `KVM_IOCTL`: ENOENT there is no such slot, or it does not log; EINVAL the range is not aligned
   * or beyond the slot; ENXIO the VM has a dirty ring instead
   */
  clearDirtyLog(slot: number, firstPage: number, npages: number, bitmap: Uint8Array): void {
    this.native.clearDirtyLog(slot, firstPage, npages, bitmap);
  }

  /**
   * KVM_RESET_DIRTY_RINGS: the number of entries collected.
   * Needs KVM_CAP_DIRTY_LOG_RING, enabled on the VM, Linux 5.11.
   * @throws KvmError `KVM_IOCTL`: EINVAL the VM has no dirty ring
   */
  resetDirtyRings(): number {
    return this.native.resetDirtyRings();
  }

  /**
   * KVM_X86_SET_MSR_FILTER: a set bit allows, a clear bit denies; up to 16 ranges.
   * Needs KVM_CAP_X86_MSR_FILTER, Linux 5.10.
   * @throws KvmError `KVM_IOCTL`: EINVAL a flag is not known, a range has no MSRs or over 0x600 bytes of bitmap, or
   * the default is to deny and there is no range
   */
  setMsrFilter(f: MsrFilter): void {
    const { filter, bitmaps } = encodeMsrFilter(f);
    this.native.setMsrFilter(filter, bitmaps);
  }

  /**
   * KVM_CREATE_DEVICE.
   * Needs KVM_CAP_DEVICE_CTRL.
   * @throws KvmError `KVM_IOCTL`: ENODEV the kernel does not know the type; EEXIST the VM may have only one of it;
   * ENOMEM
   */
  createDevice(type: number, flags = 0): Device {
    const device = this.native.createDevice(type, flags);
    if (!device)
      throw new KvmError('KVM_ARGUMENT', 'flags', 22, 'use hasDevice() for KVM_CREATE_DEVICE_TEST');
    return new Device(device);
  }

  /**
   * KVM_CREATE_DEVICE with KVM_CREATE_DEVICE_TEST: whether the VM can have such a device.
   * Needs KVM_CAP_DEVICE_CTRL.
   */
  hasDevice(type: number): boolean {
    try {
      this.native.createDevice(type, KVM_CREATE_DEVICE_TEST);
      return true;
    } catch (error) {
      if (error instanceof KvmError && error.errno === ENODEV) return false;
      throw error;
    }
  }

  /**
   * KVM_SET_TSS_ADDR: three pages of gpa that Intel's real mode emulation needs, below 4 GiB.
   * Needs KVM_CAP_SET_TSS_ADDR, on Intel.
   * @throws KvmError `KVM_IOCTL`: EINVAL it would end above 4 GiB
   */
  setTssAddr(address: number): void {
    this.native.setTssAddr(address);
  }

  /**
   * KVM_SET_IDENTITY_MAP_ADDR: one page of gpa, likewise. Before the first vCPU.
   * Needs KVM_CAP_SET_IDENTITY_MAP_ADDR, on Intel.
   * @throws KvmError `KVM_IOCTL`: EINVAL there are vCPUs already
   */
  setIdentityMapAddr(address: bigint): void {
    this.native.setIdentityMapAddr(struct(8, (put) => put.u64(0, address, 'address')));
  }

  /**
   * KVM_SET_BOOT_CPU_ID. Before the first vCPU.
   * Needs KVM_CAP_SET_BOOT_CPU_ID.
   * @throws KvmError `KVM_IOCTL`: EBUSY there are vCPUs already
   */
  setBootCpuId(id: number): void {
    this.native.setBootCpuId(id);
  }

  /**
   * KVM_GET_CLOCK: nanoseconds of kvmclock.
   * Needs KVM_CAP_ADJUST_CLOCK.
   */
  getClock(): bigint {
    const bytes = new Uint8Array(48);
    this.native.getClock(bytes);
    return new DataView(bytes.buffer).getBigUint64(0, true);
  }

  /**
   * KVM_SET_CLOCK.
   * Needs KVM_CAP_ADJUST_CLOCK.
   * @throws KvmError `KVM_IOCTL`: EINVAL
   */
  setClock(nanoseconds: bigint): void {
    this.native.setClock(struct(48, (put) => put.u64(0, nanoseconds, 'nanoseconds')));
  }

  /**
   * KVM_GET_STATS_FD: binary statistics of the VM (KVM_CAP_BINARY_STATS_FD).
   * Needs KVM_CAP_BINARY_STATS_FD, Linux 5.14.
   * @throws KvmError `KVM_IOCTL`: ENOTTY on older kernels
   */
  statsFd(): KvmFile {
    return new KvmFile(this.native.statsFd());
  }
}
