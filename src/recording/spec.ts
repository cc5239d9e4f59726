import type { ZapCase } from './zaps.js';

/** What an agent is asked to do, handed over as a JSON file. */
export interface AgentSpec {
  /** Scenarios to run, in order, by name. */
  scenarios: string[];
  /** PCI function to use for non-coherent DMA and as a BAR; `lab` takes the lab's own, null none. */
  device: string | null;
  /** Names of module parameters whose values are wanted, as `module.name`, besides those that always are. */
  params?: string[];
  /** Device type of KVM_DEV_TYPE_VIRTIO, where it is to be no other. */
  virtioType?: number;
  /** KVM_MEM_NON_COHERENT_DMA, where it is to be no other. */
  memslotFlag?: number;
  /** Boots whose zaps are to be counted after the scenarios. */
  zaps?: ZapCase[];
}
