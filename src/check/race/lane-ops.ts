import { MSR } from '../../arch/msrs.js';
import type { GfnRange } from '../../arch/units.js';
import type { ModelEvent } from '../../memtype/index.js';
import { type LaneOwner, lanesOf } from '../../scenario/lanes.js';
import type { Taken } from '../../scenario/replay.js';
import type { TogetherStep } from '../../scenario/types.js';

/** What a step does to leaves, for who takes it beside others. */
export type LaneOp =
  /** A change of what decides types. It may zap, and does so a moment after it took effect. */
  | { kind: 'change'; event: ModelEvent }
  | { kind: 'access'; vcpu: number; gfn: number }
  | { kind: 'discard'; range: GfnRange };

/** The steps of one vCPU or of the VMM, in order. */
export interface OpLane {
  readonly owner: LaneOwner;
  readonly ops: readonly LaneOp[];
}

/** Leaves do not depend on the PAT. */
const isPat = (event: ModelEvent): boolean => event.kind === 'wrmsr' && event.msr === MSR.PAT;

function opOf(event: ModelEvent): LaneOp {
  if (event.kind === 'access') return { kind: 'access', vcpu: event.vcpu, gfn: event.gfn };
  if (event.kind !== 'host-memory') return { kind: 'change', event };
  // Guest RAM, whose pages are counted as its frames are.
  return { kind: 'discard', range: { start: event.first, end: event.first + event.npages } };
}

/** What several do at the same time, as the model sees it. A step that changes nothing there is left out. */
export const opLanes = (step: TogetherStep, parts: readonly Taken[]): readonly OpLane[] =>
  lanesOf(step).map(({ owner, steps }) => ({
    owner,
    ops: steps.flatMap(({ at }) => {
      const event = parts[at]?.event;
      return event === undefined || isPat(event) ? [] : [opOf(event)];
    }),
  }));
