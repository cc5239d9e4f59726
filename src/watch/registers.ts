import {
  type ErratumId,
  MtrrState,
  type PageView,
  type Policy,
  VcpuModel,
  type VmView,
} from '../memtype/index.js';

/** What is known of the host for all of its VMs. */
export interface HostFacts {
  readonly policy: Policy;
  /** MAXPHYADDR, which guests are taken to have too: nothing tells what the monitor chose. */
  readonly maxphyaddr: number;
  readonly selfSnoop: boolean;
  /** What KVM_CHECK_EXTENSION(KVM_CAP_DISABLE_QUIRKS2) says. */
  readonly quirks: number;
}

/** What the MTRRs of a vCPU may say where they were not seen: no two of these have a type in common. */
const UNSEEN_MTRRS: readonly MtrrState[] = [
  MtrrState.initial, // UC
  MtrrState.initial.write({ kind: 'deftype', index: 0 }, 0x806n, 36), // WB
];

/** All that the types of a VM's pages depend on, as far as it was seen. */
export class Registers implements VmView {
  readonly #vcpus = new Map<number, VcpuModel>();
  readonly #written = new Set<string>();
  noncoherent = 0;
  disabledQuirks: number;
  readonly memslotFlag = 0;
  readonly flagged = [];

  constructor(readonly host: HostFacts) {
    this.disabledQuirks = this.#quirksAtCreation;
  }

  get #quirksAtCreation(): number {
    return this.host.policy.quirks.disabledAtCreation & this.host.quirks;
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

  /** Begin anew: as after the VM's creation. */
  forget(): void {
    this.#vcpus.clear();
    this.#written.clear();
    this.noncoherent = 0;
    this.disabledQuirks = this.#quirksAtCreation;
  }

  /** Note that an MSR was written. @returns whether it was before: if not, its value may not be known */
  noteWrite(id: number, msr: number): boolean {
    const key = `${id} ${msr}`;
    const wasWritten = this.#written.has(key);
    this.#written.add(key);
    return wasWritten;
  }

  /** Whether the type of a page depends on the registers of the vCPU that touches it. */
  dependsOnVcpu(id: number, page: PageView): boolean {
    const vcpu = this.vcpu(id);
    const views = [false, true].flatMap((cd) => UNSEEN_MTRRS.map((mtrr) => ({ ...vcpu, cd, mtrr })));
    const [first, ...others] = views.map((view) => this.host.policy.decide(this, view, page));
    return others.some(({ type, ipat }) => type !== first?.type || ipat !== first.ipat);
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
