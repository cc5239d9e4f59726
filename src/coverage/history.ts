import { MSR } from '../arch/msrs.js';
import { gfnOf } from '../arch/units.js';
import type { ModelledStep } from '../check/watch/watch.js';
import type { Effect, Leaf, VmModel } from '../memtype/index.js';
import type { Step } from '../scenario/types.js';
import type { Change, Coherence, Moment, Outcome } from './moment.js';

type AccessStep = Moment['step'];

const isAccess = (step: Step): step is AccessStep => step.do === 'access' || step.do === 'nested-access';

/** What steps that are no access change; one that is not here changes nothing that a leaf depends on. */
const CHANGES: Partial<Record<Step['do'], Change>> = {
  cd: 'CD',
  noncoherent: 'DMA',
  virtio: 'DMA',
  'disable-quirk': 'quirk',
  'delete-memslot': 'slot',
  'get-dirty-log': 'log',
  'clear-dirty-log': 'log',
  discard: 'discard',
};

/** Follows the steps of one scenario, and tells what each access meets. */
export class History {
  readonly #mapped = new Set<string>();
  /** Where each memslot lies. */
  readonly #slots = new Map<number, number>();
  readonly #hadCd = new Set<number>();
  #coherence: Coherence = 'never';
  #change: Change = 'none';
  #noncoherent = 0;
  #accessed = false;

  /** Take the next step; the moment of an access. */
  take(watched: ModelledStep): Moment | undefined {
    const { step, effect, model } = watched;
    if (isAccess(step)) return this.#access(step, watched);
    const change = effect === undefined ? undefined : this.#changeOf(step, effect);
    this.#follow(model);
    if (change !== undefined) this.#change = change;
    return undefined;
  }

  #follow({ state }: VmModel): void {
    for (const { id, cd } of state.vcpus) if (cd) this.#hadCd.add(id);
    if (state.noncoherent > 0 && this.#noncoherent === 0)
      this.#coherence = this.#coherence === 'gone' ? 'again' : this.#accessed ? 'late' : 'early';
    if (state.noncoherent === 0 && this.#noncoherent > 0) this.#coherence = 'gone';
    this.#noncoherent = state.noncoherent;
    this.#slots.clear();
    for (const { slot, gfn } of state.slots.values()) this.#slots.set(slot, gfn);
  }

  #changeOf(step: Step, { msr, refused }: Effect): Change | undefined {
    if (refused !== undefined || msr === 'gp') return undefined;
    if (step.do === 'memslot') return this.#slots.get(step.slot) === gfnOf(step.gpa) ? 'log' : 'slot';
    if (step.do !== 'wrmsr') return CHANGES[step.do];
    if (step.msr === MSR.PAT) return 'PAT';
    return step.msr === MSR.DEF_TYPE ? 'default type' : 'range';
  }

  #access(step: AccessStep, watched: ModelledStep): Moment | undefined {
    const { taken, effect, model } = watched;
    const { state } = model;
    const vcpu = state.vcpus[step.vcpu];
    if (vcpu === undefined || effect === undefined) return undefined;
    // CR0.CD may be set from the start.
    this.#follow(model);
    // A write to read-only memory leaves the guest whether or not a leaf is there for reads.
    const leaf = effect.mmio === true ? undefined : model.leafReached(taken.event);
    const outcome = leaf === undefined ? 'exit' : this.#outcome(leaf, watched, effect);
    this.#accessed = true;
    return {
      step,
      vm: state,
      vcpu,
      hadCd: this.#hadCd.has(vcpu.id),
      slot: state.slotAt(gfnOf(step.gpa)),
      leaf,
      outcome,
      coherence: this.#coherence,
      change: this.#change,
    };
  }

  #outcome(leaf: Leaf, { step, taken: { event }, model: { state } }: ModelledStep, effect: Effect): Outcome {
    const isNew = effect.made.includes(leaf) || effect.shadowMade.includes(leaf);
    // Of L2, each leaf of L1's EPT has its own.
    const mapping = event?.kind === 'nested-access' ? event.pages.at(-1)?.mapping : 'L1';
    const key = `${mapping} ${leaf.gfn} ${leaf.level}`;
    const knew = this.#mapped.has(key);
    this.#mapped.add(key);
    if (isNew) return knew ? 'again' : 'made';
    const fresh = state.redecide(leaf, state.vcpu('vcpu' in step ? step.vcpu : 0));
    return fresh === undefined || (fresh.type === leaf.type && fresh.ipat === leaf.ipat) ? 'kept' : 'stale';
  }
}
