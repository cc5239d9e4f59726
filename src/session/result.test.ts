import { expect, test } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { simulate } from '../../test/support/simulate.js';
import { MSR } from '../arch/msrs.js';
import { judge } from '../check/judge.js';
import { type Policy, policies } from '../memtype/index.js';
import { failure } from '../report/schema.js';
import { rdmsr, scenario } from '../scenario/builder.js';
import { describeStep } from '../scenario/describe.js';
import { toResult } from './result.js';

test('steps are numbered from 1, as the schema says', () => {
  const policy = policies.get('A') as Policy;
  const steps = [rdmsr(MSR.DEF_TYPE), rdmsr(MSR.PAT)];
  const reads = scenario('test/reads', 'Two reads', { needs: [] }, steps);
  const recording = simulate(reads, policy);
  const wrong = recording.steps.map((step) => (step.step < 0 ? step : { ...step, value: 0x77n }));

  const verdict = judge(reads, { ...recording, steps: wrong }, policy, environmentOf(policy));
  const { failures } = toResult(reads, recording, verdict, 'again');
  const source = { file: 'reads.json', lines: [4, 5, 9] };
  const fromFile = toResult(reads, recording, verdict, 'again', source);

  expect(failures.map(({ step, stepText }) => [step, stepText])).toEqual(
    steps.map((step, index) => [index + 1, describeStep(step)]),
  );
  expect([fromFile.file, ...fromFile.failures.map(({ line }) => line)]).toEqual(['reads.json', 5, 9]);
  expect(toResult(reads, recording, verdict, 'again', { ...source, file: '-' }).file).toBeUndefined();
  expect(failure.shape.step.meta()?.description).toContain('from 1; 0 is the start of the guest');
});
