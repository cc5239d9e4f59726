import { expect, test } from 'vitest';
import { runsUnder } from '../../test/support/environment.js';
import { settle } from '../../test/support/simulate.js';
import { claimFor } from '../check/steps/claims.js';
import { ALL_POLICIES, type Policy, policies, VmModel } from '../memtype/index.js';
import { everyStep } from '../scenario/lanes.js';
import { Replay } from '../scenario/replay.js';
import { brokenRules } from '../scenario/rules.js';
import type { Scenario } from '../scenario/types.js';
import { catalogue } from './index.js';

const EPT_POLICIES = ALL_POLICIES.filter((p) => p.paging === 'ept').map((p) => p.name);

/** Walk a scenario through the model and list each claim beside what the model says. */
function claims(scenario: Scenario, policyName: string): [gpa: bigint, claim: string, model: string][] {
  const policy = policies.get(policyName);
  if (policy === undefined) throw new Error(policyName);
  const model = new VmModel(policy, { vcpus: scenario.vcpus, maxphyaddr: scenario.maxphyaddr });
  const replay = new Replay(scenario, policy);
  for (const event of replay.start) model.apply(event);
  const found: [bigint, string, string][] = [];
  for (const step of everyStep(scenario)) {
    const { event, dropped } = replay.next(step);
    if (event !== undefined && !dropped) settle(model, model.apply(event), step);
    const claim = 'claims' in step && step.claims !== undefined ? claimFor(step.claims, policy) : undefined;
    if (!('claims' in step) || claim === undefined) continue;
    const leaf = model.leafReached(event);
    found.push([step.gpa, claim, leaf === undefined ? 'no leaf' : `${leaf.type}${leaf.ipat ? '+IPAT' : ''}`]);
  }
  return found;
}

test.each(EPT_POLICIES)('the model of policy %s agrees with every claim of the catalogue', (name) => {
  for (const scenario of catalogue.filter((s) => runsUnder(s, policies.get(name) as Policy))) {
    for (const [gpa, claim, model] of claims(scenario, name)) {
      expect(`${scenario.name} 0x${gpa.toString(16)} ${model}`).toBe(
        `${scenario.name} 0x${gpa.toString(16)} ${claim}`,
      );
    }
  }
});

test('names are unique and have the form family/name', () => {
  const names = catalogue.map(({ name }) => name);

  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[a-z]+\/[a-z0-9-]+$/);
});

test.each(catalogue.map((s) => [s.name, s] as const))('%s is legal', (_, scenario) => {
  expect(brokenRules(scenario)).toEqual([]);
});

test('there are at least 20 scenarios', () => {
  expect(catalogue.length).toBeGreaterThanOrEqual(20);
});
