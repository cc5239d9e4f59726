import { expect, test } from 'vitest';
import { runsUnder } from '../../test/support/environment.js';
import { settle } from '../../test/support/simulate.js';
import { gfnOf } from '../arch/units.js';
import { claimFor } from '../check/claims.js';
import { ALL_POLICIES, type Policy, policies, VmModel } from '../memtype/index.js';
import { isDropped, startEvents, stepEvent } from '../scenario/model-events.js';
import { GPA_LIMIT, GUEST_MAXPHYADDR, RAM_SIZE, type Scenario } from '../scenario/types.js';
import { catalogue } from './index.js';

const EPT_POLICIES = ALL_POLICIES.filter((p) => p.paging === 'ept').map((p) => p.name);

/** Walk a scenario through the model and list each claim beside what the model says. */
function claims(scenario: Scenario, policyName: string): [gpa: bigint, claim: string, model: string][] {
  const policy = policies.get(policyName);
  if (policy === undefined) throw new Error(policyName);
  const model = new VmModel(policy, { vcpus: scenario.vcpus, maxphyaddr: GUEST_MAXPHYADDR });
  for (const event of startEvents(scenario)) model.apply(event);
  const found: [bigint, string, string][] = [];
  for (const step of scenario.steps) {
    const event = stepEvent(step, scenario);
    if (event !== undefined && !isDropped(step, scenario)) settle(model, model.apply(event), step);
    const claim =
      step.do === 'access' && step.claims !== undefined ? claimFor(step.claims, policy) : undefined;
    if (step.do !== 'access' || claim === undefined) continue;
    const leaf = model.leafAt(gfnOf(step.gpa));
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

test('no scenario touches the guest’s own pages or leaves its windows', () => {
  for (const step of catalogue.flatMap(({ steps }) => steps)) {
    if (step.do !== 'access') continue;
    expect(step.gpa < 0x100_0000n || step.gpa >= BigInt(RAM_SIZE)).toBe(true);
    expect(step.gpa < GPA_LIMIT).toBe(true);
  }
});

test('there are at least 20 scenarios', () => {
  expect(catalogue.length).toBeGreaterThanOrEqual(20);
});

test('steps are objects of their own, and only virtio steps that are about a device that was made', () => {
  for (const { name, steps } of catalogue) {
    expect([name, new Set(steps).size]).toEqual([name, steps.length]);
    const open = new Set<string>();
    for (const step of steps) {
      if (step.do !== 'virtio' || step.op === 'create-test') continue;
      if (step.op === 'create' && step.result === 'ok') open.add(step.device);
      else if (step.op !== 'create')
        expect([name, step.device, open.has(step.device)]).toEqual([name, step.device, true]);
      if (step.op === 'close') open.delete(step.device);
    }
  }
});
