import { KVM_MEM_READONLY } from '../../arch/kvm-flags.js';
import { gfnOf, PAGE_OFFSET } from '../../arch/units.js';
import type { VmModel } from '../../memtype/index.js';
import { everyStep } from '../../scenario/lanes.js';
import { RAM_MEMORY } from '../../scenario/slot-replay.js';
import type { Scenario, Step } from '../../scenario/types.js';

type Access = Extract<Step, { do: 'access' | 'nested-access' }>;

const isAccess = (step: Step): step is Access => step.do === 'access' || step.do === 'nested-access';

/** What the executor puts on each page of RAM that the scenario touches: `ret`, for fetches. */
const RET = 0xc3n;
/** What a read gives where there is no memory: nobody answers on the bus. */
const NOBODY = 0xffff_ffffn;
/** What a write access writes: four bytes. */
const WRITTEN = 1n;

/**
 * What the pages that a scenario touches hold, so that a read that was not really made is told by its value. Memory
 * keeps what it holds through zaps, discards (the backing is a shared file) and moves of its slot.
 */
export class Contents {
  readonly #written = new Map<string, bigint>();
  readonly #known: boolean;
  readonly #populated: ReadonlySet<number>;
  /** The page of 1 GiB holds what other scenarios left in it. */
  readonly #hasGib: boolean;

  constructor(
    scenario: Scenario,
    readonly model: VmModel,
  ) {
    // Accesses that overlap within a page are beyond this.
    this.#known = everyStep(scenario).every((step) => !isAccess(step) || (step.gpa & PAGE_OFFSET) === 0n);
    this.#hasGib = scenario.steps.some((step) => step.do === 'memslot' && step.backing === 'gib-ram');
    this.#populated = new Set(
      everyStep(scenario)
        .filter(isAccess)
        .map(({ gpa }) => gfnOf(gpa)),
    );
  }

  /** Take an access, after which the page holds something; give what a read must give, undefined if nobody knows. */
  access({ gpa, access }: Access): bigint | undefined {
    const gfn = gfnOf(gpa);
    const slot = this.model.state.slotAt(gfn);
    if (slot === undefined) return NOBODY;
    if (slot.backing === 'mmio' || !this.#known) return undefined;
    const inMemory = slot.offset + gfn - slot.gfn;
    const page = `${slot.memory} ${inMemory}`;
    if (access === 'write' && (slot.flags & KVM_MEM_READONLY) === 0) this.#written.set(page, WRITTEN);
    if (access === 'fetch') this.#written.set(page, RET);
    return this.#written.get(page) ?? this.#atFirst(slot.memory, inMemory);
  }

  /** RAM is used by one scenario after another: a page of it that this one does not touch there may hold anything. */
  #atFirst(memory: number, page: number): bigint | undefined {
    if (memory !== RAM_MEMORY) return this.#hasGib ? undefined : 0n;
    return this.#populated.has(page) ? RET : undefined;
  }
}
