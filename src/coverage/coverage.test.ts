import { expect, test } from 'vitest';
import { environmentOf, runsUnder } from '../../test/support/environment.js';
import { simulate } from '../../test/support/simulate.js';
import { catalogue } from '../catalogue/index.js';
import { judge } from '../check/judge.js';
import { findPolicy, type Policy } from '../memtype/index.js';
import type { Recording } from '../recording/recording.js';
import { mib, noncoherent, scenario, touch } from '../scenario/builder.js';
import type { Scenario } from '../scenario/types.js';
import { Coverage } from './coverage.js';
import { plannedMoments } from './plan.js';
import { Tally } from './tally.js';

/** What recordings come to, as each is changed before it is judged. */
function reportOf(
  scenarios: readonly Scenario[],
  policy: Policy,
  change: (r: Recording) => Recording = (r) => r,
) {
  const coverage = new Coverage(policy, environmentOf(policy));
  for (const one of scenarios.filter((s) => runsUnder(s, policy)))
    judge(one, change(simulate(one, policy)), policy, environmentOf(policy), policy, coverage.watch());
  return coverage.report();
}

const ONE = scenario('own/one', 'One page, before a device and after', {}, [
  touch(mib(4)),
  noncoherent(true),
  touch(mib(4), { access: 'write' }),
]);

test.each(['A', 'E'])('the catalogue exercises all pairs that are possible under policy %s', (name) => {
  const { pairs, triples, impossible } = reportOf(catalogue, findPolicy(name));

  expect(pairs.missing).toEqual([]);
  expect(pairs.seen).toBe(pairs.possible);
  expect(pairs.possible).toBeGreaterThan(1000);
  expect(triples.seen).toBeLessThanOrEqual(triples.possible);
  expect(impossible.every(({ reason, pairs: n }) => reason !== '' && n > 0)).toBe(true);
});

test('what a scenario exercises by the model is what its recording shows', () => {
  const policy = findPolicy('A');
  const tally = new Tally(policy);
  for (const moment of plannedMoments(ONE, policy)) tally.add(moment);

  expect(tally.report()).toEqual(reportOf([ONE], policy));
  expect(tally.report().pairs.seen).toBeGreaterThan(100);
});

test('what a machine lacks is impossible there, for its reason', () => {
  const reason = 'the guest gets no VMX';
  const machine = { missing: { nested: { reason, lift: '' } }, params: { 'kvm.nx_huge_pages': 'Y' } };
  const { pairs, impossible } = new Tally(findPolicy('E'), machine).report();

  expect(pairs.missing.some((text) => text.includes('guest L2'))).toBe(false);
  expect(pairs.missing).not.toContain('page large × access fetch');
  expect(impossible.map((one) => one.reason)).toContain(`not here: ${reason}`);
});

test('an access without the trace of its leaf counts for nothing', () => {
  const blind = (recording: Recording): Recording =>
    recording.outcome === 'ran'
      ? { ...recording, steps: recording.steps.map((step) => ({ ...step, events: [] })) }
      : recording;

  expect(reportOf([ONE], findPolicy('A'), blind).pairs.seen).toBe(0);
});

test.each(['A', 'A-4.4', 'B', 'C', 'D', 'E-6.12', 'E'])(
  'nothing that is called impossible under policy %s is ever exercised',
  (name) => {
    const policy = findPolicy(name);
    const tally = new Tally(policy);
    for (const one of catalogue.filter((s) => runsUnder(s, policy)))
      for (const moment of plannedMoments(one, policy)) tally.add(moment);

    expect(tally.contradictions()).toEqual([]);
  },
);
