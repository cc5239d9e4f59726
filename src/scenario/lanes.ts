import type { LaneStep, Scenario, Step, TogetherStep } from './types.js';

/** Who takes a step: a vCPU by its number, or the VMM. */
export type LaneOwner = number | 'vmm';

/** The steps of one owner, in order, and where each stands among those of all. */
export interface Lane {
  readonly owner: LaneOwner;
  readonly steps: readonly { readonly step: LaneStep; readonly at: number }[];
}

/** Whose a step is. */
const ownerOf = (step: LaneStep): LaneOwner => ('vcpu' in step ? step.vcpu : 'vmm');

/** The steps of `together` by owner: vCPUs by their numbers, then the VMM. */
export function lanesOf({ steps }: TogetherStep): readonly Lane[] {
  const entries = steps.map((step, at) => ({ step, at }));
  const owners = [...new Set(steps.map(ownerOf))].sort((a, b) =>
    a === 'vmm' ? 1 : b === 'vmm' ? -1 : a - b,
  );
  return owners.map((owner) => ({ owner, steps: entries.filter(({ step }) => ownerOf(step) === owner) }));
}

/** Who takes how many, for people. */
export const lanesText = (step: TogetherStep): string =>
  lanesOf(step)
    .map(({ owner, steps }) => `${owner === 'vmm' ? 'the VMM' : `vCPU ${owner}`} ${steps.length}`)
    .join(', ');

/** Numbers of 0 to 1 (exclusive) that follow from a seed: mulberry32. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Every step of a scenario, those at the same time one by one. */
export const everyStep = ({ steps }: Pick<Scenario, 'steps'>): readonly Step[] =>
  steps.flatMap((step): readonly Step[] => (step.do === 'together' ? step.steps : [step]));
