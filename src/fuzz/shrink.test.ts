import { expect, test } from 'vitest';
import { MSR } from '../arch/msrs.js';
import { brokenRules } from '../scenario/rules.js';
import type { Scenario } from '../scenario/types.js';
import { randomScenario } from './generate.js';
import { cuts, shrink } from './shrink.js';

const ROUNDS = 12;
/** A fault that needs two steps: an access at some time after a write of the default type. */
const fault = ({ steps }: Scenario): boolean => {
  const write = steps.findIndex((step) => step.do === 'wrmsr' && step.msr === MSR.DEF_TYPE);
  return write >= 0 && steps.slice(write).some((step) => step.do === 'access');
};

const faulty = Array.from({ length: 40 }, (_, n) => randomScenario(3, n)).filter(fault);

test('cuts are legal and simpler', () => {
  for (const scenario of faulty) {
    const made = cuts(scenario);
    expect(made.flatMap(brokenRules)).toEqual([]);
    expect(made.every(({ steps }) => steps.length <= scenario.steps.length)).toBe(true);
  }
});

test('a fault of two steps is shrunk to two steps, of a guest as others are, in few rounds', async () => {
  expect(faulty.length).toBeGreaterThan(5);
  for (const scenario of faulty) {
    const small = await shrink(scenario, async (candidates) => candidates.filter(fault), ROUNDS);
    // A fetch needs a memslot, to be legal.
    const kinds = small.steps.map(({ do: kind }) => kind).filter((kind) => kind !== 'memslot');
    expect(kinds).toEqual(['wrmsr', 'access']);
    expect(small).toMatchObject({ vcpus: 1, hugeRam: false, startCd: false, maxphyaddr: 36 });
  }
});

test('what fails no more, not even cut in one place, is given back as it is', async () => {
  const [scenario] = faulty as [Scenario];

  expect(await shrink(scenario, async () => [], ROUNDS)).toBe(scenario);
});
