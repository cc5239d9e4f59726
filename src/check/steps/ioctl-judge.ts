import type { Effect } from '../../memtype/index.js';
import type { Taken } from '../../scenario/replay.js';
import type { Step } from '../../scenario/types.js';

/** What an ioctl of a step must give: as the scenario's author wrote it down, and as the model has it. */
export interface IoctlExpectation {
  author?: string;
  model?: string;
}

/** The expectation of a step that is an ioctl whose result was recorded; empty for any other step. */
export function ioctlExpectation(
  step: Step,
  { result }: Taken,
  effect: Effect | undefined,
): IoctlExpectation {
  // Which quirks there are only the policy knows.
  if (result === undefined && step.do !== 'disable-quirk') return {};
  const model = effect === undefined ? (result ?? 'ok') : (effect.refused ?? 'ok');
  return 'result' in step && step.result !== undefined ? { author: step.result, model } : { model };
}
