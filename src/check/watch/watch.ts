import type { Effect, VmModel } from '../../memtype/index.js';
import type { StepRecord } from '../../recording/recording.js';
import type { Taken } from '../../scenario/replay.js';
import type { Step } from '../../scenario/types.js';
import type { Move } from '../evidence/index.js';
import type { LeafDiff } from '../leaves/leaf-diff.js';

/** A step as the model took it. */
export interface ModelledStep {
  step: Step;
  taken: Taken;
  /** Absent where the model hears nothing of the step. */
  effect: Effect | undefined;
  /** As it stands after the step. */
  model: VmModel;
}

/** A step of a recording as the judge has just held it against the model. */
export interface WatchedStep extends ModelledStep {
  /** Of an access: the leaf that serves it was seen as it came, or the exit in which it ended was. */
  observed: boolean;
  /** What was seen of leaves, in order. */
  moves: readonly Move[];
}

/** Looks on while a recording is judged. */
export type Watch = (step: WatchedStep) => void;

/** Whether what an access met was seen. L2's leaf is seen as it is made; that one stays is seen by its not being made again. */
function wasObserved(
  { step, taken, effect, model }: ModelledStep,
  record: StepRecord,
  moves: readonly Move[],
  leaves: Pick<LeafDiff, 'seenAt'>,
): boolean {
  if (effect?.mmio === true) return (record.mmio ?? 0) > 0;
  const leaf = model.leafReached(taken.event);
  if (leaf === undefined || record.ok !== true || record.events === undefined) return false;
  if (step.do !== 'nested-access') return leaves.seenAt(leaf.gfn) !== undefined;
  const isMade = effect?.shadowMade.includes(leaf) === true;
  return !isMade || moves.some((move) => move.kind === 'shadow' && move.leaf.gfn === leaf.gfn);
}

/** What who looks on is shown of a step. */
export const watchedStep = (
  step: ModelledStep,
  record: StepRecord,
  moves: readonly Move[],
  leaves: Pick<LeafDiff, 'seenAt'>,
): WatchedStep => ({ ...step, moves, observed: wasObserved(step, record, moves, leaves) });
