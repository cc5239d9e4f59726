import { expect, test } from 'vitest';
import { environmentOf, runsUnder } from '../../test/support/environment.js';
import { simulate } from '../../test/support/simulate.js';
import { catalogue } from '../catalogue/index.js';
import { ALL_POLICIES, type Policy } from '../memtype/index.js';
import type { Recording } from '../recording/recording.js';
import type { Scenario } from '../scenario/types.js';
import { judge } from './judge.js';

const NO_HUGE_IN_THE_WAY =
  'they differ where a huge leaf is in the way of a small one, which is so only with kvm.eager_page_split=N or kvm.nx_huge_pages=Y';

/** Policies whose kernels no scenario can tell apart, and why. With shadow paging there is no leaf to see. */
const ALIKE: Readonly<Record<Policy['paging'], Readonly<Record<string, string>>>> = {
  ept: { 'A A-6.2': NO_HUGE_IN_THE_WAY },
  npt: { 'npt-A-6.2 npt-A': NO_HUGE_IN_THE_WAY },
  shadow: {},
};

/** Without threads that run as they will, and those first that are soon judged. */
const SCENARIOS = catalogue
  .filter(({ steps }) => !steps.some((step) => step.do === 'together'))
  .sort((a, b) => a.steps.length - b.steps.length);

const recordings = new Map<string, Recording>();

function recordingOf(scenario: Scenario, policy: Policy): Recording {
  const key = `${scenario.name} ${policy.name}`;
  const recording = recordings.get(key) ?? simulate(scenario, policy);
  recordings.set(key, recording);
  return recording;
}

/** What kernels of the policies do is the same. */
const isSame = (scenario: Scenario, a: Policy, b: Policy): boolean =>
  JSON.stringify(recordingOf(scenario, a), text) === JSON.stringify(recordingOf(scenario, b), text);

const text = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}n` : value);

/** The first scenario in which a kernel of one policy fails by the other's rules. */
function telling(real: Policy, wrong: Policy): Scenario | undefined {
  const env = { ...environmentOf(real), paging: real.paging };
  return SCENARIOS.find(
    (scenario) =>
      runsUnder(scenario, real) &&
      runsUnder(scenario, wrong) &&
      !isSame(scenario, real, wrong) &&
      judge(scenario, recordingOf(scenario, real), wrong, env, wrong).status === 'fail',
  );
}

const pairsOf = (paging: Policy['paging']): [Policy, Policy][] => {
  const group = ALL_POLICIES.filter((policy) => policy.paging === paging);
  return group.flatMap((a, i) => group.slice(i + 1).map((b): [Policy, Policy] => [a, b]));
};

test.each(['ept', 'npt'] as const)(
  'a scenario tells the kernels of each pair of policies apart, with %s',
  (paging) => {
    const alike = pairsOf(paging)
      .filter(([a, b]) => telling(a, b) === undefined && telling(b, a) === undefined)
      .map(([a, b]) => `${a.name} ${b.name}`);

    expect(alike).toEqual(Object.keys(ALIKE[paging]));
  },
  120_000,
);
