import { expect, test } from 'vitest';
import { simulate } from '../../test/support/simulate.js';
import { catalogue } from '../catalogue/index.js';
import { type Policy, policies } from '../memtype/index.js';
import type { Scenario } from '../scenario/types.js';
import { choosePolicy, PROBE_SCENARIOS, policyNamed, type Recorded } from './policy-choice.js';
import type { Environment } from './recording.js';

const scenarioNamed = (name: string): Scenario => catalogue.find((s) => s.name === name) as Scenario;

const envOf = (policy: Policy, release: string): Environment => ({
  release,
  cpuModel: 'test',
  vendor: 'intel',
  paging: 'ept',
  quirks: policy.quirks.supported,
  params: {},
  missing: {},
});

const probes = (policy: Policy): Recorded[] =>
  PROBE_SCENARIOS.map((name) => ({ scenario: scenarioNamed(name), recording: simulate(scenarioNamed(name), policy) }));

// Each row: what the kernel really does, and a version that hints at something else.
test.each([
  ['A', '6.1.192'],
  ['A', '6.12.0'],
  ['B', '6.1.0'],
  ['D', '6.1.0'],
  ['A+P2', '6.1.192'],
  ['E', '7.2.13'],
])('policy %s is found by probing on a kernel that calls itself %s', (name, release) => {
  const policy = policies.get(name) as Policy;

  const choice = choosePolicy('auto', probes(policy), envOf(policy, release));

  expect([choice.policy.name, choice.how]).toEqual([name, 'probed']);
});

test('without a probe the version decides, and the choice says so', () => {
  const choice = choosePolicy('auto', [], envOf(policies.get('A') as Policy, '6.1.0'));

  expect([choice.policy.name, choice.how]).toEqual(['A', 'hint']);
});

test('a forced policy is taken whatever was seen', () => {
  const policy = policies.get('A') as Policy;

  const choice = choosePolicy('D', probes(policy), envOf(policy, '6.1.0'));

  expect([choice.policy.name, choice.how]).toEqual(['D', 'forced']);
});

test('an unknown policy names those that are known', () => {
  expect(() => policyNamed('Z')).toThrow(/--policy Z is not known; there are .*A.*E/);
});
