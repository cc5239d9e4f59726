import { expect, test } from 'vitest';
import { policies, VmModel } from '../memtype/index.js';
import { gfnOf, isDropped, QUIRK_BITS, startEvents, stepEvent } from '../runner/model-events.js';
import { GPA_LIMIT, GUEST_MAXPHYADDR, RAM_SIZE, type Scenario } from '../scenario/types.js';
import { catalogue } from './index.js';

/** Walk a scenario through the model and list each claim beside what the model says. */
function claims(scenario: Scenario, policyName: string): [gpa: bigint, claim: string, model: string][] {
  const policy = policies.get(policyName);
  if (policy === undefined) throw new Error(policyName);
  const model = new VmModel(policy, { vcpus: scenario.vcpus, maxphyaddr: GUEST_MAXPHYADDR });
  for (const event of startEvents(scenario)) model.apply(event);
  const found: [bigint, string, string][] = [];
  for (const step of scenario.steps) {
    const event = stepEvent(step, scenario);
    if (event !== undefined && !isDropped(step, scenario)) model.apply(event);
    const claim = step.do === 'access' ? step.claims?.[policyName] : undefined;
    if (step.do !== 'access' || claim === undefined) continue;
    const leaf = model.leafAt(gfnOf(step.gpa));
    found.push([step.gpa, claim, leaf === undefined ? 'no leaf' : `${leaf.type}${leaf.ipat ? '+IPAT' : ''}`]);
  }
  return found;
}

/** The quirk that a scenario needs exists only from era E on. */
const applies = (scenario: Scenario, policyName: string): boolean =>
  !scenario.needs.includes('quirk-ignore-guest-pat') ||
  ((policies.get(policyName)?.quirks.supported ?? 0) & QUIRK_BITS['ignore-guest-pat']) !== 0;

test.each(['A', 'B', 'D', 'E', 'A+P2'])(
  'the model of policy %s agrees with every claim of the catalogue',
  (name) => {
    for (const scenario of catalogue.filter((s) => applies(s, name))) {
      for (const [gpa, claim, model] of claims(scenario, name)) {
        expect(`${scenario.name} 0x${gpa.toString(16)} ${model}`).toBe(
          `${scenario.name} 0x${gpa.toString(16)} ${claim}`,
        );
      }
    }
  },
);

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
