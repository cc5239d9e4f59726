import { expect, test } from 'vitest';
import { environmentOf } from '../../../test/support/environment.js';
import { simulate } from '../../../test/support/simulate.js';
import { type Policy, policies } from '../../memtype/index.js';
import type { Recording, StepRecord } from '../../recording/recording.js';
import { msrs, rdmsr, scenario, wrmsr } from '../../scenario/builder.js';
import { judge } from '../judge.js';

const policy = policies.get('A') as Policy;
const env = environmentOf(policy);
const BAD = { msr: 0x2ff, value: 7n };
const tested = scenario('test/msrs', 'MSRs', { needs: [] }, [
  msrs([{ msr: 0x250, value: 6n }, { msr: 0x250 }, BAD]),
  msrs([{ msr: 0x250, value: 0n }, BAD, { msr: 0x258, value: 1n }], { by: 'host' }),
  wrmsr(0x2ff, 7n),
  rdmsr(0x278),
]);

type Ran = Extract<Recording, { outcome: 'ran' }>;

/** What is wrong if a step was recorded otherwise. */
function judged(step: number, changed: Partial<StepRecord>): string[] {
  const recording = simulate(tested, policy) as Ran;
  const steps = recording.steps.map((record) => (record.step === step ? { ...record, ...changed } : record));
  const { mismatches } = judge(tested, { ...recording, steps }, policy, env);
  return mismatches.map(({ what, expected, seen }) => `${what}: ${expected}; ${seen}`);
}

test('a recording that is right is found right', () => {
  expect(judged(0, {})).toEqual([]);
});

const EXIT = { vcpu: 0, msr: 0x2ff, write: 7n, reason: 'INVAL' } as const;
const WROTE = 'a write of MTRR_DEF_TYPE = 0x7 by vCPU 0, reason INVAL';

test.each<[string, number, Partial<StepRecord>, string]>([
  ['another value', 0, { msrs: [true, 5n, 13] }, 'msr value, MTRR_FIX64K_00000: 0x6; 0x5'],
  [
    'a write that was taken',
    0,
    { msrs: [true, 6n, true] },
    'msr write, MTRR_DEF_TYPE = 0x7: refused (#GP); accepted',
  ],
  [
    'another fault',
    0,
    { msrs: [true, 6n, 6] },
    'msr write, MTRR_DEF_TYPE = 0x7: refused (#GP); a fault with vector 6',
  ],
  ['an ioctl that went on', 1, { msrs: [true, true, true] }, 'MSRs done: 1 of 3; 3 of 3'],
  ['an ioctl that did nothing', 1, { msrs: [] }, 'MSRs done: 1 of 3; 0 of 3'],
  ['an exit that is missing', 2, { exits: [] }, `exit to user space: ${WROTE}; none`],
  ['one exit too many', 0, { exits: [EXIT, EXIT] }, `exit to user space: none; ${WROTE}`],
  [
    'another reason',
    2,
    { exits: [{ ...EXIT, reason: 'FILTER' }] },
    `exit to user space: ${WROTE}; a write of MTRR_DEF_TYPE = 0x7 by vCPU 0, reason FILTER`,
  ],
  [
    'a read told as a write',
    3,
    { exits: [{ vcpu: 0, msr: 0x278, write: 0n, reason: 'INVAL' }] },
    'exit to user space: a read of MSR 0x278 by vCPU 0, reason INVAL; a write of MSR 0x278 = 0x0 by vCPU 0, reason INVAL',
  ],
])('%s is seen', (_, step, changed, expected) => {
  expect(judged(step, changed)).toContain(expected);
});
