import type { Policy } from '../../memtype/index.js';
import type { Environment } from '../../recording/recording.js';
import type { Scenario } from '../../scenario/types.js';
import type { OrderWalk } from './outcomes.js';

/** What decides the state in which steps at the same time begin: the recording does not. */
export interface WalkKey {
  scenario: Scenario;
  policy: Policy;
  env: Environment;
}

type Walks = Map<number, OrderWalk>;

const cache = new WeakMap<Scenario, WeakMap<Policy, WeakMap<Environment, Walks>>>();

function memo<K extends object, V>(map: WeakMap<K, V>, key: K, make: () => V): V {
  const known = map.get(key) ?? make();
  map.set(key, known);
  return known;
}

/** The walk for a step of a scenario, made once: a recording is judged under many policies, and some of them many times. */
export function walkOf({ scenario, policy, env }: WalkKey, step: number, make: () => OrderWalk): OrderWalk {
  const byPolicy = memo(cache, scenario, () => new WeakMap());
  const walks = memo(
    memo(byPolicy, policy, () => new WeakMap()),
    env,
    (): Walks => new Map(),
  );
  const walk = walks.get(step) ?? make();
  walks.set(step, walk);
  return walk;
}
