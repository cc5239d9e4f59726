import { release } from 'node:os';
import type { Kvm } from '../kvm/index.js';
import { Journal } from './host/journal.js';
import { findMemslotFlag, MemslotFlag } from './memslot-flag.js';
import type { Missing } from './missing.js';
import { listPci, pciId } from './pci.js';
import { PciDevice } from './pci-device.js';
import { IgnoreGuestPat } from './quirk.js';
import {
  type Attachment,
  DmaError,
  type DmaTarget,
  type NoncoherentProvider,
  type ProviderName,
} from './types.js';
import { VfioProvider, vfioOpeners } from './vfio.js';
import { VFIO_NEEDS, type VfioKind, whyNoVfio } from './vfio-probe.js';
import { findVirtioType, VirtioDevice } from './virtio-device.js';

export { sweepHostChanges } from './host/journal.js';
export type { Missing } from './missing.js';
export * from './types.js';

/** Bochs' and QEMU's network card, which the lab gives its kernels for this purpose. */
const LAB_DEVICE = '8086:100e';

/**
 * Which provider stands for non-coherent DMA where it does not matter which: a device that was named first, as VFIO is how
 * VMs come by it on every kernel; of its files the group without an IOMMU, which 6.1 knows as well as 7.3. A mediated
 * device needs no hardware, but a sample driver. The proposal's device comes last: what is under test should not carry the
 * other tests. The quirk and the memslot flag are not here, as neither is counted.
 */
const BY_DEFAULT = [
  'vfio-noiommu',
  'vfio-type1',
  'vfio-cdev',
  'vfio-mdev',
  'mdev-cdev',
  'virtio-device',
] as const satisfies readonly ProviderName[];

/** What decides which providers there are. */
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
  readonly virtio: { type: number; present: boolean };
  readonly memslot: { flag: number; present: boolean };
  readonly #providers: ReadonlyMap<ProviderName, NoncoherentProvider>;
  readonly #missing = new Map<ProviderName, Missing | undefined>();

  constructor(o: DmaOptions) {
    const named =
      o.device === 'lab' ? (listPci().find((bdf) => pciId(bdf) === LAB_DEVICE) ?? null) : o.device;
    this.device = named !== null && listPci().includes(named) ? named : undefined;
    this.virtio = findVirtioType(o.kvm, release(), o.virtioType);
    this.memslot = findMemslotFlag(o.kvm, release(), o.memslotFlag);
    const providers = [
      ...vfioProviders(named, this.device),
      new VirtioDevice(this.virtio),
      new MemslotFlag(this.memslot),
      new IgnoreGuestPat(o.kvm),
    ];
    this.#providers = new Map(providers.map((provider) => [provider.name, provider]));
  }

  /** Why a provider cannot be had; undefined if it can. Asked once: taking a device changes the answer. */
  missing(name: ProviderName): Missing | undefined {
    if (!this.#missing.has(name)) this.#missing.set(name, this.#provider(name).probe());
    return this.#missing.get(name);
  }

  /** The provider to use where it does not matter which; undefined if there is none. */
  get default(): ProviderName | undefined {
    return BY_DEFAULT.find((name) => this.missing(name) === undefined);
  }

  /** Why there is no non-coherent DMA at all; undefined if there is. */
  get missingAll(): Missing | undefined {
    return this.default === undefined ? this.missing(BY_DEFAULT[0]) : undefined;
  }

  /** Whether detaching and attaching count each on their own, or once for all. */
  counts(name: ProviderName): NoncoherentProvider['counts'] {
    return this.#provider(name).counts;
  }

  /**
   * Register non-coherent DMA with a VM, through the default provider or a given one.
   * @throws KvmError if the kernel refuses, DmaError if there is no such provider here
   */
  attach(target: DmaTarget, via?: ProviderName): Attachment {
    const name = via ?? this.default;
    if (name === undefined)
      throw new DmaError(this.missingAll?.reason ?? 'there is no non-coherent DMA here');
    return this.#provider(name).attach(target);
  }

  #provider(name: ProviderName): NoncoherentProvider {
    const provider = this.#providers.get(name);
    if (provider === undefined) throw new DmaError(`there is no provider ${name}`);
    return provider;
  }

  /** Undo everything that was changed on the host; all attachments must be gone. */
  close(): void {
    for (const provider of this.#providers.values()) provider.close();
  }
}

function vfioProviders(named: string | null, device: string | undefined): NoncoherentProvider[] {
  const journal = new Journal();
  const open = vfioOpeners(device === undefined ? undefined : new PciDevice(device, journal), journal);
  const situation = { device: named, release: release(), isRoot: process.geteuid?.() === 0 };
  const kinds = Object.keys(VFIO_NEEDS) as VfioKind[];
  return kinds.map((kind) => new VfioProvider(kind, () => whyNoVfio(kind, situation), open[kind]));
}
