import type { Policy } from '../memtype/index.js';
import type { Environment, Recording } from '../recording/recording.js';
import type { Scenario } from '../scenario/types.js';
import { type AllowedWarning, logFault, logMismatches } from './kernel-log.js';
import { needMismatches, statusOf, unfinished, withLeftover } from './outcome.js';
import { Judge, noChecks } from './step-by-step.js';
import { recordingFault } from './step-fields.js';
import type { Mismatch, Verdict } from './verdict.js';
import type { Watch } from './watch/watch.js';

interface Held {
  policy: Policy;
  env: Environment;
  /** The policy that says what the kernel must answer about itself. */
  answers: Policy;
  watch?: Watch | undefined;
  /** What comes after the first fault is of no interest. */
  toFirstFault?: boolean;
}

/**
 * Say whether `recording` is what the model of `policy` expects.
 *
 * Pure: the same recording can be judged under any policy, at any time.
 *
 * @param answers the policy that says what the kernel must answer about itself, if it is another
 * @param watch is shown each step that was judged
 */
export function judge(
  scenario: Scenario,
  recording: Recording,
  policy: Policy,
  env: Environment,
  answers: Policy = policy,
  watch?: Watch,
): Verdict {
  return verdictOn(scenario, recording, { policy, env, answers, watch });
}

/** Whether it is a pass for `judge()`. This ends at the first fault, where `judge()` finds them all. */
export function passes(scenario: Scenario, recording: Recording, policy: Policy, env: Environment): boolean {
  const held = { policy, env, answers: policy, toFirstFault: true };
  return verdictOn(scenario, recording, held).status === 'pass';
}

function verdictOn(scenario: Scenario, recording: Recording, held: Held): Verdict {
  const { policy, env, answers, watch } = held;
  const warnings = (allowed: readonly AllowedWarning[]): Mismatch[] =>
    logMismatches(scenario, recording, env, allowed);
  if (recording.outcome !== 'ran') {
    const mismatches = [...needMismatches(scenario, recording, answers, env), ...warnings([])];
    return { checks: noChecks(), mismatches, notes: [], ...unfinished(recording, mismatches.length > 0) };
  }
  const fault = recordingFault(scenario, recording, env) ?? logFault(recording, env);
  if (fault !== undefined) {
    const message = `the recording is not that of a whole run: ${fault}`;
    return { checks: noChecks(), mismatches: warnings([]), notes: [], status: 'error', message };
  }
  const run = new Judge(scenario, recording, policy, { env, answers }, watch);
  run.run(held.toFirstFault);
  run.mismatches.push(...warnings(run.allowed));
  return {
    ...withLeftover(statusOf(run, scenario, env), recording.notGivenBack),
    checks: run.checks,
    mismatches: run.mismatches,
    notes: [...run.notes.values()],
  };
}
