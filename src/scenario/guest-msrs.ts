import type { Effect, ModelEvent, VmModel } from '../memtype/index.js';
import type { Scenario } from './types.js';

/**
 * The MSRs of a VM whose VMM may keep the guest's writes to itself (msrMode `filter-drop`): the guest reads what it wrote there, else what
 * KVM has.
 */
export class GuestMsrs {
  /** What the guest sees. */
  readonly #view: VmModel | undefined;
  readonly #kept = new Set<string>();

  constructor(
    readonly model: VmModel,
    { msrMode }: Pick<Scenario, 'msrMode'>,
  ) {
    this.#view = msrMode === 'filter-drop' ? model.clone() : undefined;
  }

  /** @param dropped KVM never hears of it */
  apply(event: ModelEvent, dropped = false): Effect {
    if (this.#view === undefined) return this.model.apply(event);
    const effect = (dropped ? this.#view : this.model).apply(event);
    if (dropped && event.kind === 'msrs') this.model.apply({ kind: 'run', vcpus: [event.vcpu] });
    if (event.kind !== 'msrs') return effect;
    for (const [i, op] of event.ops.entries()) {
      const key = `${event.vcpu}:${op.msr}`;
      if (op.value === undefined || effect.msrs?.[i] !== 'ok') continue;
      if (dropped) this.#kept.add(key);
      else if (!this.#kept.has(key)) this.#view.apply({ ...event, ops: [op] });
    }
    return effect;
  }
}
