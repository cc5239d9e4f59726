import { type ErratumId, type MtrrState, type Policy, VcpuModel, type VmView } from '../memtype/index.js';

/** What is known of the host for all of its VMs. */
export interface HostFacts {
  readonly policy: Policy;
  /** MAXPHYADDR, which guests are taken to have too: nothing tells what the monitor chose. */
  readonly maxphyaddr: number;
  readonly selfSnoop: boolean;
  /** What KVM_CHECK_EXTENSION(KVM_CAP_DISABLE_QUIRKS2) says. */
  readonly quirks: number;
}

/** All that the types of a VM's pages depend on, as far as it was seen. */
export class Registers implements VmView {
  readonly #vcpus = new Map<number, VcpuModel>();
  noncoherent = 0;
  disabledQuirks: number;
  readonly memslotFlag = 0;
  readonly flagged = [];

  constructor(readonly host: HostFacts) {
    this.disabledQuirks = host.policy.quirks.disabledAtCreation & host.quirks;
  }

  get selfSnoop(): boolean {
    return this.host.selfSnoop;
  }

  get vcpus(): readonly VcpuModel[] {
    return [...this.#vcpus.values()];
  }

  /** A vCPU by its number; it is as after its creation if nothing was seen of it yet. */
  vcpu(id: number): VcpuModel {
    const known = this.#vcpus.get(id);
    if (known !== undefined) return known;
    const vcpu = new VcpuModel(id, this.host.maxphyaddr, true);
    this.#vcpus.set(id, vcpu);
    return vcpu;
  }

  /** As it is now, whatever comes. */
  snapshot(): Registers {
    const copy = new Registers(this.host);
    for (const vcpu of this.#vcpus.values()) copy.#vcpus.set(vcpu.id, vcpu.clone());
    copy.noncoherent = this.noncoherent;
    copy.disabledQuirks = this.disabledQuirks;
    return copy;
  }
}

/** A change of registers, devices or quirks, and how things stood after it. */
export interface Epoch {
  readonly text: string;
  /** The erratum, if this kernel leaves leaves stale there. */
  readonly erratum: ErratumId | undefined;
  readonly at: number;
  readonly tid: number;
  readonly before: Registers;
  readonly after: Registers;
}

/** Whether a write left the MTRRs as they were: each write makes a new state. */
export function sameMtrrs(
  before: MtrrState,
  after: MtrrState,
  value: bigint,
  was: bigint | undefined,
): boolean {
  return before === after || value === was;
}
