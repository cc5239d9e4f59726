import { release } from 'node:os';
import { COUNTED_WAYS, type CountedWay, type DmaWay } from '../arch/dma-ways.js';
import { KVM_CAP_DISABLE_QUIRKS2, type Kvm, type Vm } from '../kvm/index.js';
import type { Missing } from '../text/missing.js';
import { Journal } from './host/journal.js';
import { type FoundFlag, findMemslotFlag } from './memslot-flag.js';
import { listPci, pciId } from './pci.js';
import { PciDevice } from './pci-device.js';
import { tryProvider } from './try-provider.js';
import { type Attachment, DmaError, type DmaTarget, type NoncoherentProvider } from './types.js';
import { leaveVm } from './vfio.js';
import { findVirtioType, type VirtioType } from './virtio-device.js';
import { firstMissing, type Means, WAYS } from './ways.js';

export { sweepHostChanges } from './host/journal.js';
export { missingQuirk } from './quirk.js';
export * from './types.js';

/** Bochs' and QEMU's network card, which the lab gives its kernels for this purpose. */
const LAB_DEVICE = '8086:100e';

/** What decides which ways there are. */
export interface DmaOptions {
  kvm: Kvm;
  /** PCI function that may be taken; `lab` is the lab's own network card; null is none. */
  device: string | null;
  /** Device type of KVM_DEV_TYPE_VIRTIO, where it cannot be found. */
  virtioType?: number | undefined;
  /** KVM_MEM_NON_COHERENT_DMA, where the release does not tell it. */
  memslotFlag?: number | undefined;
}

/** Every way to non-coherent DMA, and which of them can be had here. Changes nothing of the host until one is used. */
export class NoncoherentDma {
  /** PCI function that may be taken; undefined if none was named or it is not there. */
  readonly device: string | undefined;
  readonly virtio: VirtioType;
  readonly memslot: FoundFlag;
  readonly #means: Means;
  readonly #providers = new Map<DmaWay, NoncoherentProvider>();
  readonly #missing = new Map<DmaWay, Missing | undefined>();

  constructor(o: DmaOptions) {
    const named =
      o.device === 'lab' ? (listPci().find((bdf) => pciId(bdf) === LAB_DEVICE) ?? null) : o.device;
    this.device = named !== null && listPci().includes(named) ? named : undefined;
    this.virtio = findVirtioType(o.kvm, release(), o.virtioType);
    this.memslot = findMemslotFlag(o.kvm, release(), o.memslotFlag);
    const journal = new Journal();
    this.#means = {
      device: named,
      release: release(),
      isRoot: process.geteuid?.() === 0,
      pci: this.device === undefined ? undefined : new PciDevice(this.device, journal),
      journal,
      quirks: o.kvm.checkExtension(KVM_CAP_DISABLE_QUIRKS2),
      virtio: this.virtio,
      memslot: this.memslot,
      tryNoIommu: () => tryProvider(o.kvm, WAYS['vfio-noiommu'].provider(this.#means)),
    };
  }

  /** Why a way is not open; undefined if it is. Asked once: taking a device changes the answer. */
  missing(way: DmaWay): Missing | undefined {
    if (!this.#missing.has(way)) this.#missing.set(way, firstMissing<Means>(WAYS[way].needs, this.#means));
    return this.#missing.get(way);
  }

  /** The way to take where it does not matter which; undefined if there is none. */
  get default(): CountedWay | undefined {
    return COUNTED_WAYS.find((way) => this.missing(way) === undefined);
  }

  /** Why there is no non-coherent DMA at all; undefined if there is. */
  get missingAll(): Missing | undefined {
    return this.default === undefined ? this.missing(COUNTED_WAYS[0]) : undefined;
  }

  /**
   * Register non-coherent DMA with a VM, by the default way or a given one.
   * @throws KvmError if the kernel refuses, DmaError if that way is not open here
   */
  attach(target: DmaTarget, via: DmaWay | undefined = this.default): Attachment {
    if (via === undefined) throw new DmaError(this.missingAll?.reason ?? 'there is no non-coherent DMA here');
    return this.#provider(via).attach(target);
  }

  /** Let go of what was made in a VM that is to end; all its attachments must be gone. */
  leave(vm: Vm): void {
    leaveVm(vm);
  }

  #provider(way: DmaWay): NoncoherentProvider {
    const provider = this.#providers.get(way) ?? WAYS[way].provider(this.#means);
    this.#providers.set(way, provider);
    return provider;
  }

  /** Undo everything that was changed on the host; all attachments must be gone. */
  close(): void {
    for (const provider of this.#providers.values()) provider.close?.();
  }
}
