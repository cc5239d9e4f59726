import { type AnsweringKernel, expectedAnswer, type Policy, type Rule } from '../../memtype/index.js';
import type { Environment } from '../../recording/recording.js';
import type { AskStep } from '../../scenario/types.js';

/** What KVM's answers about itself are held against. */
export interface HeldAgainst {
  env: Environment;
  /** The policy that its version, or the user, says it has: not one that was found by these very answers. */
  answers: Policy;
}

export interface AnswerFault {
  expected: string;
  why: readonly Rule[];
}

const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** Whether guests have VMX; a parameter that is not there says nothing. */
function isNested({ vendor, params }: Environment): boolean | undefined {
  if (vendor === 'amd') return false;
  const nested = params['kvm_intel.nested'];
  return nested === undefined ? undefined : nested === 'Y' || nested === '1';
}

/** The kernel whose answers are expected. */
export const answeringKernel = ({ env, answers }: HeldAgainst): AnsweringKernel => ({
  policy: answers,
  release: env.release,
  selfSnoop: env.selfSnoop ?? true,
  virtioType: env.virtioType,
  memslotFlag: env.memslotFlag,
  nested: isNested(env),
  cpu: env.cpu,
});

/** What is wrong with an answer; undefined if nothing is. */
export function answerFault(
  { of, number }: AskStep,
  seen: bigint,
  held: HeldAgainst,
): AnswerFault | undefined {
  const answer = expectedAnswer(of, number, answeringKernel(held));
  if (answer === undefined) return undefined;
  const { value, unsure, source } = answer;
  if (((seen ^ value) & ~unsure) === 0n) return undefined;
  const either = unsure === 0n ? '' : `, bits ${hex(unsure)} either way`;
  const { env, answers } = held;
  const text = `Linux ${env.release} is known for policy ${answers.name}, and answers so on this CPU`;
  return { expected: `${hex(value)}${either}`, why: [{ text, source }] };
}
