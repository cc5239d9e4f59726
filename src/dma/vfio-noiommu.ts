import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import {
  KVM_DEV_TYPE_VFIO,
  KVM_DEV_VFIO_FILE,
  KVM_DEV_VFIO_FILE_ADD,
  KVM_DEV_VFIO_FILE_DEL,
  VFIO_NOIOMMU_IOMMU,
  VfioContainer,
  VfioGroup,
  type Vm,
} from '../kvm/index.js';
import type { Missing } from './missing.js';
import { type Binding, pciDir, pciGroup, rebind, restore } from './pci.js';
import { type Attachment, DmaError, type NoncoherentProvider } from './types.js';

const UNSAFE_MODE = '/sys/module/vfio/parameters/enable_unsafe_noiommu_mode';
const DRIVER = 'vfio-pci';

/** Say why `bdf` cannot stand for non-coherent DMA through VFIO without an IOMMU; undefined if it can. */
export function whyNoNoiommu(bdf: string): Missing | undefined {
  if (!existsSync(UNSAFE_MODE)) {
    return {
      reason: 'this kernel has no VFIO no-IOMMU mode',
      lift: 'modprobe vfio vfio-pci on a kernel with CONFIG_VFIO_NOIOMMU=y',
    };
  }
  if (!existsSync(`/sys/bus/pci/drivers/${DRIVER}`)) {
    return { reason: `the driver ${DRIVER} is not loaded`, lift: `modprobe ${DRIVER}` };
  }
  if (pciGroup(bdf) !== undefined && !existsSync(noiommuDir(bdf))) {
    return {
      reason: `${bdf} is behind an IOMMU`,
      lift: 'boot with intel_iommu=off, or name a device without an IOMMU',
    };
  }
  return undefined;
}

const noiommuDir = (bdf: string): string => `${pciDir(bdf)}/vfio-dev`;

/** Turn the unsafe mode on, and say what it was. */
function enableUnsafeMode(): string {
  const before = readFileSync(UNSAFE_MODE, 'utf8').trim();
  if (before !== 'Y') writeFileSync(UNSAFE_MODE, 'Y');
  return before;
}

/** Path of the group that VFIO made for a bound device. */
function groupPath(bdf: string): string {
  const group = pciGroup(bdf);
  const path = group === undefined ? undefined : `/dev/vfio/noiommu-${group}`;
  if (path === undefined || !existsSync(path)) {
    const there = existsSync('/dev/vfio') ? readdirSync('/dev/vfio').join(', ') : 'nothing';
    throw new DmaError(
      `${bdf} is bound to ${DRIVER}, but there is no no-IOMMU group for it (in /dev/vfio: ${there})`,
    );
  }
  return path;
}

/**
 * Non-coherent DMA through a VFIO no-IOMMU group: KVM counts a group whose devices no IOMMU keeps coherent
 * (kvm_vfio_update_coherency(), vfio_file_enforced_coherent()). No DMA is ever made.
 */
export class VfioNoiommu implements NoncoherentProvider {
  readonly name = 'vfio-noiommu';
  readonly #unsafeBefore: string;
  readonly #binding: Binding;
  readonly #group: VfioGroup;
  readonly #container: VfioContainer;

  /**
   * Take the PCI function `bdf`; close() gives it back to the driver it had.
   * @throws KvmError or DmaError if it cannot be taken; the host is as before then
   */
  constructor(bdf: string) {
    this.#unsafeBefore = enableUnsafeMode();
    let binding: Binding | undefined;
    let group: VfioGroup | undefined;
    try {
      binding = rebind(bdf, DRIVER);
      group = VfioGroup.open(groupPath(bdf));
      // Attach a container: 6.1 counts a group without one as coherent.
      this.#container = VfioContainer.open();
      group.setContainer(this.#container);
      this.#container.setIommu(VFIO_NOIOMMU_IOMMU);
    } catch (error) {
      group?.close();
      if (binding !== undefined) restore(binding);
      this.#restoreUnsafeMode();
      throw error;
    }
    this.#binding = binding;
    this.#group = group;
  }

  attach(vm: Vm): Attachment {
    const device = vm.createDevice(KVM_DEV_TYPE_VFIO);
    const set = (attr: number): void =>
      device.setAttr({ group: KVM_DEV_VFIO_FILE, attr, value: this.#group.fd });
    try {
      set(KVM_DEV_VFIO_FILE_ADD);
    } catch (error) {
      device.close();
      throw error;
    }
    return {
      detach: () => {
        set(KVM_DEV_VFIO_FILE_DEL);
        device.close();
      },
    };
  }

  #restoreUnsafeMode(): void {
    if (this.#unsafeBefore !== 'Y') writeFileSync(UNSAFE_MODE, this.#unsafeBefore);
  }

  close(): void {
    this.#group.close();
    this.#container.close();
    restore(this.#binding);
    this.#restoreUnsafeMode();
  }
}
