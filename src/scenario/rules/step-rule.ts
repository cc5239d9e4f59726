import type { NestedMappings } from '../nested.js';
import type { Replay } from '../replay.js';
import type { Scenario, Step } from '../types.js';

/** What is known when the turn of a step comes. */
export interface Turn {
  scenario: Scenario;
  /** As it stands before the step. */
  replay: Replay;
  nested: NestedMappings;
}

/** What is wrong with a step, in words. */
export type StepRule = (step: Step, at: Turn) => string | undefined;
