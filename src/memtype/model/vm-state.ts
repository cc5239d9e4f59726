import { KVM_MEM_NON_COHERENT_DMA } from '../../arch/memslots.js';
import type { GfnRange } from '../../arch/units.js';
import { supportedQuirks } from '../policies/quirks.js';
import type { Decision, PageView, Policy, VcpuView, VmView } from '../policy.js';
import type { Rule, VmType } from '../types.js';
import { quirksOfType } from '../vm-types.js';
import { ModelError } from './events.js';
import { type HostAccess, HostPages } from './host-pages.js';
import { type Leaf, LeafStore } from './leaves.js';
import { type SlotState, slotRange } from './memslots.js';
import type { PageSet } from './page-set.js';
import { ShadowEpt } from './shadow-ept.js';
import { VcpuModel } from './vcpu.js';

/** What the model has to be told of a VM and its host. */
export interface ModelOptions {
  /** vCPUs, numbered from 0. */
  vcpus: number;
  /** MAXPHYADDR that the guest's CPUID gives, 36 to 52; 36, as before KVM_SET_CPUID2, if not told. */
  maxphyaddr?: number;
  /** The guest's CPUID has MTRRs; true if not told. */
  mtrr?: boolean;
  /** What KVM_CHECK_EXTENSION(KVM_CAP_DISABLE_QUIRKS2) says; if not told, the policy's own on such a CPU. */
  quirksSupported?: number;
  /** The host CPU snoops its own caches; true if not told. Policies C and E ask. */
  selfSnoop?: boolean;
  /** The module parameter kvm.nx_huge_pages is in force: fetches map 4 KiB. */
  nxHugePages?: boolean;
  /** The processor logs writes itself (the module parameter kvm_intel.pml). */
  pml?: boolean;
  /** The module parameter kvm.eager_page_split, true if not told. */
  eagerPageSplit?: boolean;
  /** The legacy MMU maps the guest (the module parameter kvm.tdp_mmu is N, or not there): it never splits a huge leaf, it zaps it. */
  legacyMmu?: boolean;
  /** The module parameter kvm.ignore_msrs. */
  ignoreMsrs?: boolean;
  /** The VM hides its memory from the host; an ordinary VM if not told. */
  vmType?: VmType | undefined;
  /** KVM_MEM_ bit of the memslot flag of proposal P5; bit 3 if not told. */
  memslotFlag?: number;
}

/** All that a VM's memory types depend on, and the leaves that are mapped. */
export class VmState implements VmView {
  readonly options: Required<ModelOptions>;
  vcpus: VcpuModel[];
  slots = new Map<number, SlotState>();
  leaves = new LeafStore();
  shadow = new ShadowEpt();
  hostPages = new HostPages();
  noncoherent = 0;
  /** The quirks that the VMM has disabled, beside those that are disabled from the start. */
  askedQuirks = 0;
  /** Of each slot that logs: the pages, from its start, that were written (`kvm_memory_slot.dirty_bitmap`). */
  dirty = new Map<number, PageSet>();
  /** KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2: reading the log clears nothing; `all-set`: it starts with every page in it. */
  manualProtect: 'off' | 'on' | 'all-set' = 'off';
  /** vCPUs whose page tables all went, and that have not run since (`KVM_REQ_MMU_FREE_OBSOLETE_ROOTS` is pending). */
  obsoleteRoots = new Set<number>();

  constructor(
    readonly policy: Policy,
    options: ModelOptions,
  ) {
    this.options = {
      maxphyaddr: 36,
      mtrr: true,
      quirksSupported: supportedQuirks(policy, options.selfSnoop ?? true),
      selfSnoop: true,
      nxHugePages: false,
      pml: false,
      eagerPageSplit: true,
      legacyMmu: false,
      ignoreMsrs: false,
      memslotFlag: KVM_MEM_NON_COHERENT_DMA,
      vmType: undefined,
      ...options,
    };
    const { vcpus, maxphyaddr, mtrr } = this.options;
    this.vcpus = Array.from({ length: vcpus }, (_, id) => new VcpuModel(id, maxphyaddr, mtrr));
  }

  get selfSnoop(): boolean {
    return this.options.selfSnoop;
  }

  get vmType(): VmType | undefined {
    return this.options.vmType;
  }

  get disabledQuirks(): number {
    const { quirksSupported, vmType } = this.options;
    const fromStart = this.policy.quirks.disabledAtCreation | quirksOfType(vmType);
    return (fromStart & quirksSupported) | this.askedQuirks;
  }

  get memslotFlag(): number {
    return this.options.memslotFlag;
  }

  get flagged(): readonly GfnRange[] {
    return [...this.slots.values()].filter((slot) => (slot.flags & this.memslotFlag) !== 0).map(slotRange);
  }

  clone(): VmState {
    const copy = new VmState(this.policy, this.options);
    copy.vcpus = this.vcpus.map((vcpu) => vcpu.clone());
    copy.slots = new Map(this.slots);
    copy.leaves = new LeafStore(this.leaves);
    copy.shadow = new ShadowEpt(this.shadow);
    copy.hostPages = new HostPages(this.hostPages);
    copy.noncoherent = this.noncoherent;
    copy.askedQuirks = this.askedQuirks;
    copy.dirty = new Map([...this.dirty].map(([slot, pages]) => [slot, pages.copy()]));
    copy.manualProtect = this.manualProtect;
    copy.obsoleteRoots = new Set(this.obsoleteRoots);
    return copy;
  }

  /** @throws ModelError if the VM has no such vCPU */
  vcpu(id: number): VcpuModel {
    const vcpu = this.vcpus[id];
    if (vcpu === undefined) throw new ModelError(`the VM has no vCPU ${id}`);
    return vcpu;
  }

  /** The memslot that holds a frame. */
  slotAt(gfn: number): SlotState | undefined {
    for (const slot of this.slots.values()) {
      if (gfn >= slot.gfn && gfn < slot.gfn + slot.npages) return slot;
    }
    return undefined;
  }

  /** What the host lets KVM do with the page behind a frame of a slot. */
  hostAccess(slot: SlotState, gfn: number): HostAccess {
    return this.hostPages.accessOf(slot.memory, slot.offset + gfn - slot.gfn);
  }

  /** Note that a page was written, if its slot logs (`mark_page_dirty_in_slot()`). */
  markDirty(gfn: number): void {
    const slot = this.slotAt(gfn);
    if (slot !== undefined) this.dirty.get(slot.slot)?.add(gfn - slot.gfn);
  }

  /** What a fault of this vCPU in this slot decides. */
  decide(vcpu: VcpuView, slot: SlotState, gfn: number, why?: Rule[]): Decision {
    return this.policy.decide(this, vcpu, pageOf(slot, gfn), why);
  }

  /** What a fault now would decide for a leaf that exists, seen from `vcpu`; undefined once its slot is gone. */
  redecide(leaf: Leaf, vcpu: VcpuView): Decision | undefined {
    const slot = this.slotAt(leaf.gfn);
    return slot && this.decide(vcpu, slot, leaf.gfn);
  }
}

/** What a policy may know of a frame in a slot. */
export function pageOf(slot: SlotState, gfn: number): PageView {
  return { gfn, mmio: slot.backing === 'mmio', slotFlags: slot.flags };
}

/** A leaf is what the decision says. */
export function agrees(leaf: Leaf, decision: Decision): boolean {
  return leaf.type === decision.type && leaf.ipat === decision.ipat;
}
