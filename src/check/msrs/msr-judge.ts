import { MSR } from '../../arch/msrs.js';
import { isRefusal, type MsrAnswer } from '../../memtype/index.js';
import type { MsrExit, MsrResult, StepRecord } from '../../recording/recording.js';
import { describeOp } from '../../scenario/describe.js';
import type { MsrRoutes } from '../../scenario/msr-routes.js';
import type { MsrOp, Step } from '../../scenario/types.js';
import type { Fail } from '../verdict.js';

/** A step of MSR accesses. */
export type MsrStep = Extract<Step, { do: 'wrmsr' | 'rdmsr' | 'msrs' }>;

/** #GP (SDM, "Exception and Interrupt Vectors"). */
export const GENERAL_PROTECTION = 13;
/** #DF: two of them at once (erratum D6). */
const DOUBLE_FAULT = 8;
/** A fault in a table of MSRs shows in all of it: tell no more of one step. */
const MOST_FAILURES = 4;

export const isMsrStep = (step: Step): step is MsrStep =>
  step.do === 'wrmsr' || step.do === 'rdmsr' || step.do === 'msrs';

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** The accesses of a step, in order. */
export function opsOf(step: MsrStep): readonly MsrOp[] {
  if (step.do === 'msrs') return step.ops;
  return [step.do === 'wrmsr' ? { msr: step.msr, value: step.value } : { msr: step.msr }];
}

/** What was seen of each access; of an ioctl that failed, nothing. */
function resultsOf(step: MsrStep, { ok, value, vector, msrs }: StepRecord): readonly MsrResult[] {
  if (step.do === 'msrs') return msrs ?? [];
  if (ok === true) return [step.do === 'rdmsr' ? (value ?? 0n) : true];
  return step.by === 'guest' ? [vector ?? 0] : [];
}

/** What the answer gives who asked. */
const resultOf = (answer: MsrAnswer): MsrResult => {
  if (isRefusal(answer)) return GENERAL_PROTECTION;
  return answer === 'ok' ? true : answer;
};

function resultText(result: MsrResult): string {
  if (result === true) return 'accepted';
  if (typeof result === 'bigint') return hex(result);
  return result === GENERAL_PROTECTION ? 'refused (#GP)' : `a fault with vector ${result}`;
}

const exitText = (exit: MsrExit | undefined): string =>
  exit === undefined
    ? 'none'
    : `${exit.write === undefined ? 'a read' : 'a write'} of ${describeOp(
        exit.write === undefined ? exit : { msr: exit.msr, value: exit.write },
      )} by vCPU ${exit.vcpu}, reason ${exit.reason}`;

/** The exits that the guest's accesses lead to. */
function expectedExits(step: MsrStep, answers: readonly MsrAnswer[], routes: MsrRoutes): MsrExit[] {
  if (step.by === 'host') return [];
  return opsOf(step).flatMap((op, i): MsrExit[] => {
    const answer = answers[i];
    const refusal = answer !== undefined && isRefusal(answer) ? answer : undefined;
    const reason = routes.denies(op) ? 'FILTER' : refusal;
    if (reason === undefined || !routes.asksFor(reason)) return [];
    const { msr, value } = op;
    return [{ vcpu: step.vcpu, msr, ...(value === undefined ? {} : { write: value }), reason }];
  });
}

/** Hold what a step of MSR accesses gave, and the exits on the way, against what the model answers. */
export function judgeMsrs(
  step: MsrStep,
  record: StepRecord,
  o: {
    answers: readonly MsrAnswer[];
    routes: MsrRoutes;
    fail: Fail;
    /** Whether a refusal of this may come twice, and to note that it did. */
    mayRepeat: (op: MsrOp) => boolean;
    repeated: () => void;
  },
): void {
  const { answers, routes } = o;
  let failures = 0;
  const fail = (what: string, expected: string, seen: string): void => {
    if (failures++ < MOST_FAILURES) o.fail(what, expected, seen);
  };
  const ops = opsOf(step);
  const seen = resultsOf(step, record);
  const isBatch = step.do === 'msrs';
  ops.forEach((op, i) => {
    const [answer, result] = [answers[i], seen[i]];
    if (answer === undefined || result === undefined) return;
    const expected = resultOf(answer);
    const what = op.value === undefined ? 'msr value' : 'msr write';
    const isRepeated = result === DOUBLE_FAULT && expected === GENERAL_PROTECTION && o.mayRepeat(op);
    if (isRepeated) o.repeated();
    else if (expected !== result)
      fail(isBatch ? `${what}, ${describeOp(op)}` : what, resultText(expected), resultText(result));
  });
  if (seen.length !== answers.length) judgeCount(step, { expected: answers.length, seen: seen.length, fail });
  judgeLeft(step, record, o);
  const exits = expectedExits(step, answers, routes);
  const seenExits = record.exits ?? [];
  for (let i = 0; i < Math.max(exits.length, seenExits.length); i++) {
    const [expected, got] = [exitText(exits[i]), exitText(seenExits[i])];
    if (expected !== got) fail('exit to user space', expected, got);
  }
}

/** What the VMM does leaves the guest no exception, but for the second #GP. */
function judgeLeft(
  step: MsrStep,
  { vector }: StepRecord,
  o: { fail: Fail; mayRepeat: (op: MsrOp) => boolean; repeated: () => void },
): void {
  if (step.by === 'guest' || vector === undefined) return;
  if (vector === GENERAL_PROTECTION && opsOf(step).some(o.mayRepeat)) o.repeated();
  else o.fail('exception left to the guest', 'none', `vector ${vector}`);
}

/** An ioctl tells how many of its entries it did. */
function judgeCount(
  step: MsrStep,
  o: { expected: number; seen: number; fail: (what: string, expected: string, seen: string) => void },
): void {
  if (step.do === 'msrs') {
    o.fail('MSRs done', `${o.expected} of ${step.ops.length}`, `${o.seen} of ${step.ops.length}`);
    return;
  }
  const [accepted, refused] = ['accepted', 'refused'];
  const text = (count: number): string => (count === 1 ? accepted : refused);
  const what = step.do === 'wrmsr' ? 'msr write' : 'msr value';
  o.fail(what, text(o.expected), text(o.seen));
}

/** What is known of the PAT by what a guest or VMM read last of KVM, if a step is about it: nothing, where it was written since. */
export function patRead(step: MsrStep, record: StepRecord): { value: bigint | undefined } | undefined {
  const seen = resultsOf(step, record);
  const last = opsOf(step).findLastIndex(({ msr }) => msr === MSR.PAT);
  if (last < 0) return undefined;
  const result = seen[last];
  return { value: opsOf(step)[last]?.value === undefined && typeof result === 'bigint' ? result : undefined };
}
