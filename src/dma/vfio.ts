import {
  type Device,
  KVM_DEV_TYPE_VFIO,
  KVM_DEV_VFIO_FILE,
  KVM_DEV_VFIO_FILE_ADD,
  KVM_DEV_VFIO_FILE_DEL,
  VFIO_NOIOMMU_IOMMU,
  VFIO_TYPE1v2_IOMMU,
  type Vm,
} from '../kvm/index.js';
import type { Journal } from './host/journal.js';
import { HOST } from './host/paths.js';
import { createMdev } from './mdev.js';
import type { Missing } from './missing.js';
import { linkName, pciDir, pciGroup } from './pci.js';
import { cdevOf, type PciDevice } from './pci-device.js';
import { type Attachment, DmaError, type DmaTarget, type NoncoherentProvider } from './types.js';
import { openCdev, openGroup, type VfioFile } from './vfio-file.js';
import type { VfioKind } from './vfio-probe.js';

/** The one KVM_DEV_TYPE_VFIO device that a VM may have, made with its first file and gone with its last. */
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
    if (this.#files > 0) return;
    this.#device?.close();
    this.#device = undefined;
  }
}

/**
 * Non-coherent DMA through files of VFIO: KVM counts them once for all as long as one of them is of a device that no IOMMU
 * keeps coherent (kvm_vfio_update_coherency(), vfio_file_enforced_coherent()). No DMA is ever made.
 */
export class VfioProvider implements NoncoherentProvider {
  readonly counts = 'once';
  /** Files that no VM uses, kept open: taking a device is slow. */
  readonly #idle: VfioFile[] = [];

  constructor(
    readonly name: VfioKind,
    readonly probe: () => Missing | undefined,
    readonly open: () => VfioFile,
  ) {}

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
      detach: () => {
        kvmVfio.remove(file.fd);
        this.#idle.push(file);
      },
    };
  }

  close(): void {
    for (let file = this.#idle.pop(); file !== undefined; file = this.#idle.pop()) file.close();
  }
}

/** Take a PCI function as long as a file of it is open. */
function openPci(device: PciDevice, open: () => VfioFile): VfioFile {
  device.take();
  try {
    const file = open();
    return {
      fd: file.fd,
      close: () => {
        file.close();
        device.release();
      },
    };
  } catch (error) {
    device.release();
    throw error;
  }
}

/** Have a mediated device as long as a file of it is open. */
function openMdev(journal: Journal, open: (dir: string, what: string) => VfioFile, host = HOST): VfioFile {
  const mdev = createMdev(journal, host);
  try {
    const file = open(mdev.dir, `mediated device ${mdev.uuid}`);
    return {
      fd: file.fd,
      close: () => {
        file.close();
        mdev.remove();
      },
    };
  } catch (error) {
    mdev.remove();
    throw error;
  }
}

function mustHave(name: string | undefined, what: string): string {
  if (name === undefined) throw new DmaError(`VFIO has made no file for ${what}`);
  return name;
}

/** How the files of each kind are opened. `device` is undefined where none was named. */
export function vfioOpeners(
  device: PciDevice | undefined,
  journal: Journal,
  host = HOST,
): Record<VfioKind, () => VfioFile> {
  const pci = (open: (bdf: string) => VfioFile) => (): VfioFile => {
    if (device === undefined) throw new DmaError('no device was named for non-coherent DMA');
    return openPci(device, () => open(device.bdf));
  };
  const group = (bdf: string): string => mustHave(pciGroup(bdf, host), bdf);
  return {
    'vfio-noiommu': pci((bdf) => openGroup(`noiommu-${group(bdf)}`, VFIO_NOIOMMU_IOMMU, bdf, host)),
    'vfio-type1': pci((bdf) => openGroup(group(bdf), VFIO_TYPE1v2_IOMMU, bdf, host)),
    'vfio-cdev': pci((bdf) => openCdev(mustHave(cdevOf(pciDir(bdf, host), host), bdf), bdf, host)),
    'vfio-mdev': () =>
      openMdev(
        journal,
        (dir, what) => openGroup(mustHave(linkName(`${dir}/iommu_group`), what), undefined, what, host),
        host,
      ),
    'mdev-cdev': () =>
      openMdev(journal, (dir, what) => openCdev(mustHave(cdevOf(dir, host), what), what, host), host),
  };
}
