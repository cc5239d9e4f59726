import type { NoncoherentDma } from '../dma/index.js';
import type { HostMemory, Kvm } from '../kvm/index.js';
import type { KernelLog } from '../observe/kernel-log.js';
import type { SpteObserver } from '../observe/spte-observer.js';
import type { Environment } from '../recording/recording.js';
import type { GibPage } from './memory/gib-page.js';
import type { HugeRam } from './memory/huge-ram.js';
import type { Witness } from './vcpu/witness.js';

/** What scenarios run on; shared by all of them, closed by its owner. */
export interface Bench {
  kvm: Kvm;
  environment: Environment;
  /** Backing of guest RAM, RAM_SIZE bytes, used by one scenario after another. */
  ram: HostMemory;
  /** The same in huge pages. */
  hugeRam: HugeRam;
  /** Backing of the memslots in a page of 1 GiB. */
  gib: GibPage;
  observer: Pick<SpteObserver, 'mark' | 'take'> | undefined;
  dma: NoncoherentDma;
  /** Tells how the processor walked the guest's tables, where an emulator does. */
  witness?: Witness | undefined;
  /** The kernel's log, where it can be read. */
  log?: Pick<KernelLog, 'take'> | undefined;
  /** Path of the PCI BAR that may be mapped. */
  pciBar: string | undefined;
  /** Longest time that one batch of guest commands may take, in milliseconds; 10 s if not told. */
  budgetMs?: number;
}
