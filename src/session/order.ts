import { catalogue } from '../catalogue/index.js';
import { PROBE_SCENARIOS } from '../check/policy-choice.js';
import { scopeOf } from '../coverage/index.js';
import type { Order } from '../report/merge.js';
import type { Scenario } from '../scenario/types.js';

const NAMES = catalogue.map(({ name }) => name);

/** As a session orders them: what tells the policy comes first, unless that was forced. */
export const CATALOGUE_ORDER: Order = {
  names: ({ policy }) => {
    const first = policy.how === 'forced' ? [] : NAMES.filter((name) => PROBE_SCENARIOS.includes(name));
    return [...first, ...NAMES.filter((name) => !first.includes(name))];
  },
  scope: (names) => {
    const known = new Map(catalogue.map((scenario) => [scenario.name, scenario]));
    const scenarios = names.flatMap((name): readonly Scenario[] => [known.get(name) ?? []].flat());
    return scenarios.length < names.length ? 'chosen' : scopeOf(scenarios, catalogue);
  },
};
