import { expect, test } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { simulate, spteOf } from '../../test/support/simulate.js';
import { judge } from '../check/judge.js';
import { type Policy, policies } from '../memtype/index.js';
import type { TraceEvent } from '../observe/events.js';
import type { Scenario } from '../scenario/types.js';
import { size } from './size.js';

const [WITHOUT, WITH] = size as [Scenario, Scenario];
const named = (name: string): Policy => policies.get(name) as Policy;

/** The kernel maps the first access to the memslot at 64 MiB by a leaf of 2 MiB, which serves the second too. */
function withHugeLeaf(scenario: Scenario, policy: Policy) {
  const recording = simulate(scenario, policy);
  const huge = (event: TraceEvent): TraceEvent[] => {
    if (event.kind === 'zap-all' || event.gfn < 0x4000 || event.gfn >= 0x4200) return [event];
    if (event.gfn !== 0x4000) return [];
    const made = event.kind === 'change' ? event.new : event.spte;
    const spte = made | (spteOf({ gfn: 0, type: 'UC', ipat: false, level: 2 }) & 0x80n);
    return [event.kind === 'change' ? { ...event, level: 2, new: spte } : { ...event, level: 2, spte }];
  };
  return {
    ...recording,
    steps: recording.steps.map((step) => ({ ...step, events: (step.events ?? []).flatMap(huge) })),
  };
}

test.each([
  ['A-4.4', WITHOUT, true],
  ['A', WITHOUT, false],
  ['B', WITHOUT, false],
  ['E', WITHOUT, false],
  ['A-4.4', WITH, true],
  ['A', WITH, true],
  ['B', WITH, true],
])('a leaf of two MTRR types under policy %s in %o is a fault: %s', (name, scenario, isFault) => {
  const policy = named(name);

  const found = judge(scenario, withHugeLeaf(scenario, policy), policy, environmentOf(policy));

  const levels = found.mismatches.filter(({ what }) => what === 'mapping level');
  expect(levels.map(({ expected, seen }) => [expected, seen])).toEqual(isFault ? [['1', '2']] : []);
  expect(found.status).toBe(isFault ? 'fail' : 'pass');
});

test.each(size)('$name passes as the model expects it', (scenario) => {
  for (const name of ['A-4.4', 'A', 'B', 'D', 'E']) {
    const policy = named(name);
    expect(judge(scenario, simulate(scenario, policy), policy, environmentOf(policy)).status).toBe('pass');
  }
});
