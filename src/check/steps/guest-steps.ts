import { EXIT_REASONS } from '../../arch/vmx.js';
import type { StepRecord } from '../../recording/recording.js';
import { describeStep } from '../../scenario/describe.js';
import type { Step } from '../../scenario/types.js';

/** Steps that only a guest takes, and that no kernel may refuse. */
const GUEST_STEPS: ReadonlySet<Step['do'] | undefined> = new Set(['access', 'nested-access', 'invept']);

const isGuestStep = (step: Step | undefined): boolean => GUEST_STEPS.has(step?.do);

/** Whether the guest runs in this step; `undefined` is its start. What the host does runs no guest code. */
export const runsGuest = (step: Step | undefined): boolean =>
  step === undefined ||
  isGuestStep(step) ||
  ('by' in step && step.by === 'guest') ||
  senderOf(step) !== undefined;

/** The vCPU whose APIC sends an INIT in this step. */
export const senderOf = (step: Step | undefined): number | undefined =>
  step?.do === 'init' ? step.from : undefined;

/** How such a step ended that was not done. */
export function endText({ vector, exit }: StepRecord): string {
  if (exit === undefined) return `a fault with vector ${vector}`;
  return `L2 ended with exit reason ${exit} (${EXIT_REASONS[exit] ?? 'unknown'})`;
}

/** A step for people, and the steps at the same time that it is one of. */
export const stepText = (step: Step | undefined, around: Step | undefined): string =>
  [around, step].flatMap((one) => (one === undefined ? [] : describeStep(one))).join(': ') || 'guest start';
