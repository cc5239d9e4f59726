import type { Effect } from '../memtype/index.js';
import type { Step } from '../scenario/types.js';

/** What an ioctl of a step must give: as the scenario's author wrote it down, and as the model has it. */
export interface IoctlExpectation {
  author?: string;
  model?: string;
}

/** The expectation of a step that is an ioctl whose result was recorded; undefined for any other step. */
export function ioctlExpectation(step: Step, effect: Effect | undefined): IoctlExpectation | undefined {
  const model = effect === undefined ? {} : { model: effect.refused ?? 'ok' };
  switch (step.do) {
    case 'virtio':
      return { author: step.result, ...model };
    case 'memslot':
      return { ...(step.result === undefined ? {} : { author: step.result }), ...model };
    case 'noncoherent':
      return model;
    default:
      return undefined;
  }
}
