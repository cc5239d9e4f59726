import { diffEffect, type Mismatch, type Seen, seenLevel } from './model/diff.js';
import type { ModelEvent } from './model/events.js';
import { VmModel } from './model/vm-model.js';
import type { ModelOptions } from './model/vm-state.js';
import { ALL_POLICIES } from './policies/index.js';
import type { Policy } from './policy.js';

/** One step that was taken, and what was seen of it. */
export interface Observation {
  readonly event: ModelEvent;
  readonly seen: Seen;
}

/** A policy that cannot be the kernel's, and the first observation that says so. */
export interface RuledOut {
  readonly policy: Policy;
  /** Number of the observation, from 0. */
  readonly index: number;
  readonly mismatch: Mismatch;
}

/** What observations tell of a kernel. */
export interface Inference {
  readonly explains: readonly Policy[];
  readonly ruledOut: readonly RuledOut[];
}

function refute(
  policy: Policy,
  run: readonly Observation[],
  options: ModelOptions,
): Omit<RuledOut, 'policy'> | undefined {
  const model = new VmModel(policy, options);
  for (const [index, { event, seen }] of run.entries()) {
    const effect = model.apply(seenLevel(event, seen));
    const [mismatch] = diffEffect(effect, seen);
    if (mismatch !== undefined) return { index, mismatch };
  }
  return undefined;
}

/**
 * Tell which policies explain everything that was seen, and for each other one the first observation that it cannot
 * explain.
 *
 * @param observations the steps of one VM, from its creation on, in order
 * @param options the VM, as for VmModel; leave `quirksSupported` out only if it was not asked for
 */
export function inferPolicies(
  observations: readonly Observation[],
  options: ModelOptions,
  candidates: readonly Policy[] = ALL_POLICIES,
): Inference {
  const explains: Policy[] = [];
  const ruledOut: RuledOut[] = [];
  for (const policy of candidates) {
    const refuted = refute(policy, observations, options);
    if (refuted === undefined) explains.push(policy);
    else ruledOut.push({ policy, ...refuted });
  }
  return { explains, ruledOut };
}
