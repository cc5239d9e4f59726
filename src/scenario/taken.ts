import type { ModelEvent } from '../memtype/index.js';
import type { IoctlResult, NOT_TAKEN } from './types.js';

/** What of a kernel decides which steps it refuses; every policy says it. */
export interface KernelFeatures {
  readonly virtioDevice: boolean;
  readonly memslotFlag: boolean;
  readonly vfioEnds: 'close' | 'vm';
}

/** What a step does. */
export interface Taken {
  /** The step as the model sees it; absent for one that changes nothing there. */
  event?: ModelEvent;
  /** The VMM answers the guest's MSR accesses of what it keeps to itself, so that KVM never hears of a write. */
  dropped?: true;
  /** What the step's ioctl gives; absent for a step without one. */
  result?: IoctlResult | typeof NOT_TAKEN;
  /** Why that is not `ok`. */
  why?: string;
  /** Of steps at the same time: what each does. */
  parts?: readonly Taken[];
}

/** A step that is not taken, or that the kernel refuses. */
export const refused = (result: IoctlResult | typeof NOT_TAKEN, why: string): Taken => ({ result, why });
