import { ALL_GFNS, type GfnRange } from '../../arch/units.js';
import type { Policy } from '../policy.js';
import type { Rule } from '../types.js';
import {
  applyCpuid,
  applyCr0,
  applyMemslot,
  applyMsrs,
  applyNoncoherent,
  applyQuirks,
  applyRestore,
  applyWrmsr,
} from './changes.js';
import { applyClearDirtyLog, applyDirtyLog, applyGetDirtyLog, applyManualProtect } from './dirty-log.js';
import { type AccessEvent, type Effect, emptyEffect, type ModelEvent } from './events.js';
import { applyAccess, applyNestedAccess, applyPreFault, freshLeaf } from './faults.js';
import { applyHostMemory } from './host-memory.js';
import type { Leaf } from './leaves.js';
import { type ModelOptions, VmState } from './vm-state.js';

/** The vCPUs that an event has run: they take up new page tables first where all have gone (vcpu_enter_guest()). */
function runBy(event: ModelEvent): readonly number[] {
  if (event.kind === 'run') return event.vcpus;
  const isGuests = event.kind === 'access' || event.kind === 'nested-access';
  return isGuests || ('by' in event && event.by === 'guest') ? [event.vcpu] : [];
}

const OBSERVED: Rule = { text: 'seen, not expected', source: 'observation' };

/**
 * A VM under one kernel policy: its vCPUs, memslots, devices and quirks, and the leaves that are mapped with the type
 * that each got when it was mapped. Every event yields exactly what must follow from it.
 */
export class VmModel {
  #state: VmState;

  /** A VM to which nothing happened yet. */
  constructor(policy: Policy, options: ModelOptions) {
    this.#state = new VmState(policy, options);
  }

  /** The policy that it was made with. */
  get policy(): Policy {
    return this.#state.policy;
  }

  /** @internal The state that decisions are made from, to look at. */
  get state(): Readonly<VmState> {
    return this.#state;
  }

  /**
   * Take one step, and tell what it must bring about.
   *
   * @throws ModelError if the event names a vCPU that the VM does not have
   */
  apply(event: ModelEvent): Effect {
    const effect = emptyEffect();
    this.#dispatch(event, effect);
    return effect;
  }

  #dispatch(event: ModelEvent, effect: Effect): void {
    const state = this.#state;
    for (const vcpu of runBy(event)) state.obsoleteRoots.delete(vcpu);
    switch (event.kind) {
      case 'access':
        applyAccess(state, event, effect);
        break;
      case 'nested-access':
        applyNestedAccess(state, event, effect);
        break;
      case 'wrmsr':
        applyWrmsr(state, event, effect);
        break;
      case 'msrs':
        applyMsrs(state, event, effect);
        break;
      case 'restore':
        applyRestore(state, event, effect);
        break;
      case 'cr0':
        applyCr0(state, event, effect);
        break;
      case 'memslot':
        applyMemslot(state, event, effect);
        break;
      case 'noncoherent':
        applyNoncoherent(state, event, effect);
        break;
      case 'disable-quirks':
        applyQuirks(state, event, effect);
        break;
      case 'dirty-log':
        applyDirtyLog(state, event, effect);
        break;
      case 'get-dirty-log':
        applyGetDirtyLog(state, event, effect);
        break;
      case 'clear-dirty-log':
        applyClearDirtyLog(state, event, effect);
        break;
      case 'manual-protect':
        applyManualProtect(state, event);
        break;
      case 'pre-fault':
        applyPreFault(state, event, effect);
        break;
      case 'host-memory':
        applyHostMemory(state, event, effect);
        break;
      case 'cpuid':
        applyCpuid(state, event);
        break;
    }
  }

  /**
   * The leaf that a fault of this vCPU on this frame would make now, whether or not one is mapped; undefined where the
   * VM has no memslot, and without second-level paging.
   *
   * @param gfn frame number, below 2^40
   */
  expectedLeaf(vcpu: number, gfn: number, access: AccessEvent['access'] = 'read'): Leaf | undefined {
    return freshLeaf(this.#state, this.#state.vcpu(vcpu), gfn, access);
  }

  /** The leaf that maps a frame. */
  leafAt(gfn: number): Leaf | undefined {
    return this.#state.leaves.find(gfn);
  }

  /** Every leaf that maps a frame of the range, in order of frames. */
  leavesWithin(range: GfnRange): Leaf[] {
    return this.#state.leaves.within(range);
  }

  /** The leaf that maps what an access of the guest, or the last one of its own guest, reaches. */
  leafReached(event: ModelEvent | undefined): Leaf | undefined {
    if (event?.kind === 'access') return this.leafAt(event.gfn);
    if (event?.kind !== 'nested-access') return undefined;
    const page = event.pages.at(-1);
    return page && this.#state.shadow.find(page.mapping, page.gfn);
  }

  /** Every leaf that is mapped, in order of frames. */
  leaves(): Leaf[] {
    return this.#state.leaves.within(ALL_GFNS);
  }

  /**
   * Take over a leaf that was really seen, so that later steps start from the truth: another level, another type, or a
   * leaf that the model did not expect. Returns the leaves that it replaces.
   */
  observeLeaf(seen: Pick<Leaf, 'gfn' | 'level' | 'type' | 'ipat'> & Partial<Leaf>): Leaf[] {
    const known = this.leafAt(seen.gfn);
    const {
      why = [OBSERVED],
      vcpu = 0,
      maxLevel = 3,
      minLevel = 1,
      errata = [],
      writable = true,
      clean = false,
    } = known ?? {};
    return this.#state.leaves.put({ why, vcpu, maxLevel, minLevel, errata, writable, clean, ...seen });
  }

  /** Take over that the leaves of these frames are gone, and return them. */
  observeZap(gfn: number, npages: number): Leaf[] {
    return this.#state.leaves.zap({ start: gfn, end: gfn + npages });
  }

  /** The value that RDMSR of a guest or KVM_GET_MSRS gives; undefined if the read faults or the MSR is not modelled. */
  rdmsr(vcpu: number, msr: number): bigint | undefined {
    return this.#state.vcpu(vcpu).readMsr(msr, this.policy.msrs);
  }

  /** An independent copy. */
  clone(): VmModel {
    const copy = new VmModel(this.policy, this.#state.options);
    copy.#state = this.#state.clone();
    return copy;
  }
}
