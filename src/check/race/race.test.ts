import fc from 'fast-check';
import { expect, test } from 'vitest';
import { environmentOf, runsUnder } from '../../../test/support/environment.js';
import { simulate } from '../../../test/support/simulate.js';
import { race } from '../../catalogue/race.js';
import { ALL_POLICIES } from '../../memtype/index.js';
import type { Recording } from '../../recording/recording.js';
import { lanesOf } from '../../scenario/lanes.js';
import type { Scenario, TogetherStep } from '../../scenario/types.js';
import { judge } from '../judge.js';

type Ran = Extract<Recording, { outcome: 'ran' }>;

const POLICIES = ALL_POLICIES.filter(({ paging }) => paging !== 'shadow');

/** An order in which the steps of several can come: whose turn it is, again and again. */
function shuffled(step: TogetherStep, turns: readonly number[]): number[] {
  const left = lanesOf(step).map(({ steps }) => steps.map(({ at }) => at));
  return step.steps.map((_, i) => {
    const open = left.filter((lane) => lane.length > 0);
    return open[(turns[i % turns.length] ?? 0) % open.length]?.shift() as number;
  });
}

/** What a kernel gives that takes the steps at the same time in the order of these turns. */
function simulateOrder(scenario: Scenario, turns: readonly number[], policy: (typeof POLICIES)[number]): Ran {
  const orders = scenario.steps.map((step) => (step.do === 'together' ? shuffled(step, turns) : []));
  const steps = scenario.steps.map((step, i) =>
    step.do === 'together'
      ? { ...step, steps: (orders[i] ?? []).map((at) => step.steps[at] as never) }
      : step,
  );
  const recording = simulate({ ...scenario, steps }, policy);
  const inPlace = recording.steps.map((record) => {
    const order = orders[record.step] ?? [];
    const parts = record.parts && order.map((_, at) => record.parts?.[order.indexOf(at)] as never);
    return parts === undefined ? record : { ...record, parts };
  });
  return { ...recording, steps: inPlace };
}

test('steps at the same time pass in whatever order they come', () => {
  const turns = fc.array(fc.nat(2), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(fc.constantFrom(...POLICIES), fc.constantFrom(...race), turns, (policy, scenario, order) => {
      fc.pre(runsUnder(scenario, policy));
      const recording = simulateOrder(scenario, order, policy);
      expect(judge(scenario, recording, policy, environmentOf(policy)).mismatches).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
