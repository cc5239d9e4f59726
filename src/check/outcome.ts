import { KVM_CAP_DISABLE_QUIRKS2 } from '../arch/kvm-caps.js';
import {
  KVM_X86_QUIRK_CD_NW_CLEARED,
  KVM_X86_QUIRK_IGNORE_GUEST_PAT,
  KVM_X86_QUIRK_SLOT_ZAP_ALL,
} from '../arch/kvm-flags.js';
import { expectedAnswer, type Policy } from '../memtype/index.js';
import type { Environment, UnfinishedRecording } from '../recording/recording.js';
import type { Need, Scenario } from '../scenario/types.js';
import { answeringKernel } from './steps/answer-judge.js';
import type { Checks, Mismatch, Verdict } from './verdict.js';

/** The bits of KVM_CAP_DISABLE_QUIRKS2 that needs stand for. */
const QUIRK_NEEDS: readonly (readonly [Need, number])[] = [
  ['quirk-cd-nw-cleared', KVM_X86_QUIRK_CD_NW_CLEARED],
  ['quirk-ignore-guest-pat', KVM_X86_QUIRK_IGNORE_GUEST_PAT],
  ['quirk-slot-zap-all', KVM_X86_QUIRK_SLOT_ZAP_ALL],
];

/** Whether a kernel of this policy must meet a need that KVM's own answers decide. */
function mustMeet(need: Need, answers: Policy, env: Environment): boolean {
  if (need === 'virtio-device') return answers.virtioDevice;
  if (need === 'memslot-flag') return answers.memslotFlag;
  const [, bit = 0] = QUIRK_NEEDS.find(([name]) => name === need) ?? [];
  // Before 5.18 there is no KVM_CAP_DISABLE_QUIRKS2, whatever quirks there are.
  const answer = expectedAnswer('extension', KVM_CAP_DISABLE_QUIRKS2, answeringKernel({ env, answers }));
  return answer !== undefined && (answer.value & ~answer.unsure & BigInt(bit)) !== 0n;
}

/** A skip that cannot be: the kernel says that it lacks what its policy has. */
export function needMismatches(
  { needs }: Scenario,
  recording: UnfinishedRecording,
  answers: Policy,
  env: Environment,
): Mismatch[] {
  if (recording.outcome !== 'skip') return [];
  const unmet = needs.find((need) => env.missing[need] !== undefined);
  if (unmet === undefined || !mustMeet(unmet, answers, env)) return [];
  return [
    {
      step: 0,
      stepText: 'guest start',
      what: `need ${unmet}`,
      expected: `met: policy ${answers.name} has it`,
      seen: env.missing[unmet]?.reason ?? 'not met',
      why: [],
    },
  ];
}

/** What a whole run comes to. */
export function statusOf(
  run: { mismatches: readonly Mismatch[]; checks: Checks },
  scenario: Scenario,
  env: Environment,
): Pick<Verdict, 'status' | 'message'> {
  if (run.mismatches.length > 0) return { status: 'fail' };
  const { leaves, zaps, msrs, ioctls } = run.checks;
  const wantsLeaves = scenario.needs.includes('ept-leaves') && env.paging !== 'shadow';
  if (wantsLeaves && leaves === 0) return { status: 'error', message: 'no leaf entry was observed' };
  if (leaves + zaps + msrs + ioctls === 0) return { status: 'error', message: 'nothing was observed' };
  return { status: 'pass' };
}

/** A scenario that could not give back what it took is no pass, whatever its steps gave. */
export function withLeftover(
  found: Pick<Verdict, 'status' | 'message'>,
  notGivenBack: string | undefined,
): Pick<Verdict, 'status' | 'message'> {
  if (notGivenBack === undefined) return found;
  const message = `what it took could not be given back: ${notGivenBack}`;
  const status = found.status === 'pass' || found.status === 'skip' ? 'error' : found.status;
  return { status, message: found.message === undefined ? message : `${found.message}; ${message}` };
}

/** What a run that was not made or broke off comes to; one that made the kernel warn, or that cannot be, is no skip. */
export function unfinished(
  recording: UnfinishedRecording,
  faulty: boolean,
): Pick<Verdict, 'status' | 'message'> {
  if (recording.outcome === 'skip')
    return withLeftover({ status: faulty ? 'fail' : 'skip' }, recording.notGivenBack);
  const status = recording.timedOut === true ? 'timeout' : 'error';
  return withLeftover({ status, message: recording.message }, recording.notGivenBack);
}
