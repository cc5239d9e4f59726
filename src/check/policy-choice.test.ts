import { expect, test } from 'vitest';
import { environmentOf, runsUnder } from '../../test/support/environment.js';
import { simulate } from '../../test/support/simulate.js';
import { catalogue } from '../catalogue/index.js';
import { findPolicy, type Policy, policies, UnknownPolicyError } from '../memtype/index.js';
import type { Scenario } from '../scenario/types.js';
import {
  answersPolicy,
  choosePolicy,
  departure,
  explainedBy,
  PROBE_SCENARIOS,
  type Recorded,
} from './policy-choice.js';

const scenarioNamed = (name: string): Scenario => catalogue.find((s) => s.name === name) as Scenario;

const probes = (policy: Policy): Recorded[] =>
  PROBE_SCENARIOS.map(scenarioNamed)
    .filter((scenario) => runsUnder(scenario, policy))
    .map((scenario) => ({ scenario, recording: simulate(scenario, policy) }));

// Each row: what the kernel really does, and a version that hints at something else.
test.each([
  ['A', '6.1.192'],
  ['A', '6.12.0'],
  ['B', '6.1.0'],
  ['D', '6.1.0'],
  ['A+P2', '6.1.192'],
  ['E', '7.2.13'],
  ['E', '6.12.118'],
  ['E-6.12', '6.12.118'],
  ['E-6.12', '7.2.13'],
  ['A-6.5', '6.6.30'],
  ['A-6.5', '6.1.192'],
  ['A', '6.6.30'],
  ['D-6.13', '6.14.1'],
  ['E+P5-device', '7.2.13'],
  ['E-6.12+P5-device', '6.12.118'],
  ['E+P5-memslot', '7.2.13'],
  ['E-6.12+P5-memslot', '6.12.118'],
  ['E+P5', '7.2.13'],
  ['E-6.12+P5', '6.12.118'],
  ['A+P5-memslot-mtrr', '6.1.192'],
])('policy %s is found by probing on a kernel that calls itself %s', (name, release) => {
  const policy = policies.get(name) as Policy;

  const choice = choosePolicy('auto', probes(policy), environmentOf(policy, release));

  expect([choice.policy.name, choice.how]).toEqual([name, 'probed']);
});

test('without a probe the version decides, and the choice says so', () => {
  const choice = choosePolicy('auto', [], environmentOf(policies.get('A') as Policy, '6.1.0'));

  expect([choice.policy.name, choice.how]).toEqual(['A', 'hint']);
});

test('a forced policy is taken whatever was seen', () => {
  const policy = policies.get('A') as Policy;

  const choice = choosePolicy('D', probes(policy), environmentOf(policy, '6.1.0'));

  expect([choice.policy.name, choice.how]).toEqual(['D', 'forced']);
});

test('an unknown policy names those that are known', () => {
  const env = environmentOf(policies.get('A') as Policy, '6.1.0');

  expect(() => choosePolicy('Z', [], env)).toThrow(UnknownPolicyError);
  expect(() => choosePolicy('Z', [], env)).toThrow(/^no policy is called 'Z'; there are .*A.*E/);
});

test.each([
  ['6.14.3', 'D-6.13'],
  ['6.1.0-28-amd64', 'A'],
  ['5.15.0-91-generic', 'A-4.4'],
  ['v6.6', 'A-6.5'],
  ['6.12.85+deb13-amd64', 'E-6.12'],
])('--policy %s forces %s, as it does for explain', (version, name) => {
  const env = environmentOf(policies.get('A') as Policy, '6.1.0');

  expect(choosePolicy(version, [], env)).toEqual({ policy: policies.get(name), how: 'forced' });
});

test.each([
  ['5.10.223', 'A-4.4'],
  ['5.15.0-91-generic', 'A-4.4'],
  ['6.1.192', 'A'],
])('a %s is held against %s, whose level bound no probe tells', (release, name) => {
  // Before 5.17 there is no KVM_CAP_DISABLE_QUIRKS2 to answer.
  const env = { ...environmentOf(policies.get(name) as Policy, release), quirks: name === 'A' ? 0x7f : 0 };

  expect(choosePolicy('auto', probes(policies.get(name) as Policy), env).policy.name).toBe(name);
  expect(choosePolicy('auto', [], { ...env, paging: 'npt' }).policy.name).toBe(`npt-${name}`);
});

test.each([
  ['E', '7.2.13', 0xdff],
  ['E-6.12', '6.12.118', 0x5ff],
  ['E+P5', '7.2.13', 0xdff],
])(
  'on a CPU without self-snoop policy %s is found although it cannot disable the quirk',
  (name, release, quirks) => {
    const policy = policies.get(name) as Policy;
    const env = { ...environmentOf(policy, release), quirks, selfSnoop: false };

    expect(choosePolicy('auto', probes(policy), env)).toEqual({ policy, how: 'probed' });
    expect(explainedBy(probes(policy), env)).toContain(name);
  },
);

test('without EPT a policy has what the kernel was found to have', () => {
  const env = environmentOf(policies.get('E+P5-device') as Policy, '7.2.13');

  const choice = choosePolicy('auto', [], { ...env, paging: 'npt' });

  expect([choice.policy.name, choice.policy.virtioDevice, choice.policy.memslotFlag]).toEqual([
    'npt',
    true,
    false,
  ]);
});

test.each([
  ['6.1.192', 'zap'],
  ['6.12.118', 'zap'],
  ['6.13.1', 'recover'],
  ['7.2.13', 'recover'],
])('without EPT %s ends dirty logging as its version does: %s', (release, dirtyLogOff) => {
  const env = environmentOf(policies.get('E') as Policy, release);

  expect(choosePolicy('auto', [], { ...env, paging: 'npt' }).policy.dirtyLogOff).toBe(dirtyLogOff);
});

// Each row: what the kernel does, the release that it calls itself, and what that release is known for, if it differs.
test.each([
  ['A', '6.1.192', undefined],
  ['A', '6.12.5', 'D'],
  ['D', '6.1.0', 'A'],
  ['E-6.12', '6.12.5', 'D'],
  ['E-6.12', '6.12.118', undefined],
  ['E', '6.12.118', 'E-6.12'],
  ['A+P2', '6.1.192', undefined],
  ['E+P5', '7.2.13', undefined],
  ['A+P2', '7.2.13', 'E'],
  ['A', '2.6.32', undefined],
  ['D', '6.12.0-30-amd64', undefined],
  ['E-6.12', '5.14.0-503.11.1.el9_5.x86_64', undefined],
])('a kernel of policy %s that calls itself %s departs from: %s', (name, release, expected) => {
  const policy = policies.get(name) as Policy;
  const env = environmentOf(policy, release);
  const choice = choosePolicy('auto', probes(policy), env);

  const found = departure(choice, env);

  expect(choice.policy.name).toBe(name);
  expect(found?.expectedByVersion).toBe(expected);
  if (expected !== undefined)
    expect(found?.warning).toContain(`Linux ${release} is known for policy ${expected}`);
});

test('a policy that the user named departs from nothing', () => {
  const env = environmentOf(policies.get('A') as Policy, '6.12.5');

  expect(departure(choosePolicy('A', [], env), env)).toBeUndefined();
});

test.each([
  ['6.1.192', 'npt-A', undefined],
  ['6.1.192', 'npt', 'npt-A'],
  ['7.2.13', 'npt', undefined],
])('without EPT a Linux %s that behaves as %s departs from: %s', (release, name, expected) => {
  const env = { ...environmentOf(policies.get('E') as Policy, release), paging: 'npt' as const };

  expect(departure({ policy: findPolicy(name), how: 'probed' }, env)?.expectedByVersion).toBe(expected);
});

// Each row: the policy that was found, the release, and the policy that says what KVM must answer about itself.
test.each([
  ['D-6.13', '7.2.13', 'E', false],
  ['E', '7.2.13', 'E', false],
  ['D', '6.12.118', 'E-6.12', false],
  ['E+P5-device', '6.12.118', 'E-6.12', true],
  ['B', 'unknown', 'B', false],
])('a kernel found to be %s that calls itself %s must answer as %s', (found, release, base, virtioDevice) => {
  const policy = policies.get(found) as Policy;

  const answers = answersPolicy({ policy, how: 'probed' }, environmentOf(policy, release));

  expect([answers.base, answers.virtioDevice]).toEqual([base, virtioDevice]);
});

test('a policy that the user names says the answers too', () => {
  const policy = policies.get('D-6.13') as Policy;

  expect(answersPolicy({ policy, how: 'forced' }, environmentOf(policy, '7.2.13'))).toBe(policy);
});
