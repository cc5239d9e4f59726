import { release } from 'node:os';
import {
  type Device,
  KVM_DEV_TYPE_VFIO,
  KVM_DEV_VFIO_FILE,
  KVM_DEV_VFIO_FILE_ADD,
  KVM_DEV_VFIO_FILE_DEL,
  type Vm,
} from '../kvm/index.js';
import type { Attachment, DmaTarget, NoncoherentProvider } from './types.js';
import type { VfioFile } from './vfio-file.js';
import { isBefore } from './vfio-probe.js';

/** In 5.10 the device is there as long as its VM, closed or not, and a VM may have one (kvm_vfio_create()); 6.1 lets it go with its file. */
const OUTLIVES_FILE = isBefore(release(), [6, 1]);

/** The one KVM_DEV_TYPE_VFIO device that a VM may have, made with its first file and gone with its last, where it can go. */
class KvmVfio {
  static readonly #all = new WeakMap<Vm, KvmVfio>();
  readonly #vm: Vm;
  #device: Device | undefined;
  #files = 0;

  private constructor(vm: Vm) {
    this.#vm = vm;
  }

  static of(vm: Vm): KvmVfio {
    const known = KvmVfio.#all.get(vm);
    if (known !== undefined) return known;
    const made = new KvmVfio(vm);
    KvmVfio.#all.set(vm, made);
    return made;
  }

  add(fd: number): void {
    this.#device ??= this.#vm.createDevice(KVM_DEV_TYPE_VFIO);
    try {
      this.#device.setAttr({ group: KVM_DEV_VFIO_FILE, attr: KVM_DEV_VFIO_FILE_ADD, value: fd });
      this.#files++;
    } finally {
      this.#closeIfEmpty();
    }
  }

  remove(fd: number): void {
    this.#files--;
    try {
      this.#device?.setAttr({ group: KVM_DEV_VFIO_FILE, attr: KVM_DEV_VFIO_FILE_DEL, value: fd });
    } finally {
      this.#closeIfEmpty();
    }
  }

  #closeIfEmpty(): void {
    if (this.#files === 0 && !OUTLIVES_FILE) this.close();
  }

  /** Close the device, with what files are in it. */
  close(): void {
    this.#files = 0;
    this.#device?.close();
    this.#device = undefined;
  }
}

/** Let go of the KVM device of a VM that is to end. */
export const leaveVm = (vm: Vm): void => KvmVfio.of(vm).close();

/**
 * Non-coherent DMA through files of VFIO: KVM counts them once for all as long as one of them is of a device that no IOMMU
 * keeps coherent (kvm_vfio_update_coherency(), vfio_file_enforced_coherent()). No DMA is ever made.
 */
export class VfioProvider implements NoncoherentProvider {
  /** Files that no VM uses, kept open: taking a device is slow. */
  readonly #idle: VfioFile[] = [];

  constructor(readonly open: () => VfioFile) {}

  attach({ vm }: DmaTarget): Attachment {
    const file = this.#idle.pop() ?? this.open();
    const kvmVfio = KvmVfio.of(vm);
    try {
      kvmVfio.add(file.fd);
    } catch (error) {
      this.#idle.push(file);
      throw error;
    }
    return {
      again: () => kvmVfio.add(file.fd),
      detach: (close = false) => {
        if (close) kvmVfio.close();
        else kvmVfio.remove(file.fd);
        this.#idle.push(file);
      },
    };
  }

  close(): void {
    for (let file = this.#idle.pop(); file !== undefined; file = this.#idle.pop()) file.close();
  }
}
