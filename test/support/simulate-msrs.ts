import { isMsrStep, opsOf } from '../../src/check/msrs/msr-judge.js';
import { type Effect, isRefusal, type MsrAnswer } from '../../src/memtype/index.js';
import type { MsrExit, MsrResult, StepRecord } from '../../src/recording/recording.js';
import type { Replay } from '../../src/scenario/replay.js';
import type { Step } from '../../src/scenario/types.js';

/** What the record of a step that the guest makes has beside its events: as the agent does, a value only where one is read. */
export function outcome(ok: boolean, value?: bigint): Pick<StepRecord, 'ok' | 'value' | 'vector'> {
  if (!ok) return { ok, vector: 13 };
  return value === undefined ? { ok } : { ok, value };
}

export const resultOf = (answer: MsrAnswer): MsrResult => {
  if (isRefusal(answer)) return 13;
  return answer === 'ok' ? true : answer;
};

/** Of a step of one MSR access. */
export function ofOne(
  { by }: { by: 'guest' | 'host' },
  answer: MsrAnswer | undefined,
): Pick<StepRecord, 'ok' | 'value' | 'vector'> {
  const result = answer === undefined ? 13 : resultOf(answer);
  if (typeof result === 'number') return by === 'guest' ? outcome(false) : { ok: false };
  return outcome(true, typeof result === 'bigint' ? result : undefined);
}

/** The exits that the guest's MSR accesses lead to, where the step has any. */
export function exitsOf(step: Step, effect: Effect | undefined, { routes }: Replay): MsrExit[] | undefined {
  if (!isMsrStep(step) || step.by === 'host') return undefined;
  return opsOf(step).flatMap((op, i): MsrExit[] => {
    const answer = effect?.msrs?.[i];
    const refusal = answer !== undefined && isRefusal(answer) ? answer : undefined;
    const reason = routes.denies(op) ? 'FILTER' : refusal;
    const write = op.value === undefined ? {} : { write: op.value };
    return reason !== undefined && routes.asksFor(reason)
      ? [{ vcpu: step.vcpu, msr: op.msr, ...write, reason }]
      : [];
  });
}
