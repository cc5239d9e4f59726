import { expect, test } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { simulate } from '../../test/support/simulate.js';
import { CR0_CD } from '../arch/cr0.js';
import { type Policy, policies } from '../memtype/index.js';
import type { Recording } from '../recording/recording.js';
import { cd, init, scenario } from '../scenario/builder.js';
import { judge } from './judge.js';

const policy = policies.get('E') as Policy;
const tested = scenario('test/init', 'INIT', { needs: [], vcpus: 2 }, [
  cd(true, { vcpu: 1 }),
  init(1),
  init(0),
  init(0, { sipi: 0x9a }),
]);

/** What is wrong if an INIT left CR0, or where to begin, otherwise. */
function judged(step: number, cr0: bigint, start?: bigint): string[] {
  const recording = simulate(tested, policy) as Extract<Recording, { outcome: 'ran' }>;
  const steps = recording.steps.map((record) =>
    record.step === step ? { ...record, value: cr0, ...(start === undefined ? {} : { start }) } : record,
  );
  const { mismatches } = judge(tested, { ...recording, steps }, policy, environmentOf(policy));
  return mismatches.map(({ what, vcpu, expected, seen }) => `${what}: ${vcpu}: ${expected}; ${seen}`);
}

test('an INIT keeps CR0.CD and NW, and clears the rest of CR0 but ET', () => {
  expect(judged(1, CR0_CD | 0x10n)).toEqual([]);
  expect(judged(1, 0x10n)).toEqual(['CR0 after INIT: 1: 0x40000010; 0x10']);
  expect(judged(2, CR0_CD | 0x10n)).toEqual(['CR0 after INIT: 0: 0x10; 0x40000010']);
  expect(judged(2, 0x11n)).toEqual(['CR0 after INIT: 0: 0x10; 0x11']);
});

test('a vCPU begins at the top of memory after an INIT, and at the page of the vector after a SIPI', () => {
  expect(judged(2, 0x10n, 0xffff_fff0n)).toEqual([]);
  expect(judged(3, 0x10n, 0x9_a000n)).toEqual([]);
  expect(judged(3, 0x10n, 0xffff_fff0n)).toEqual(['first instruction: 0: 0x9a000; 0xfffffff0']);
});
