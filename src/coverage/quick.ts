import { KILLERS } from '../catalogue/killers.js';
import { PROBE_SCENARIOS } from '../check/policy-choice.js';
import { findPolicy } from '../memtype/index.js';
import type { Need, Scenario } from '../scenario/types.js';
import { runsUnder } from './needs.js';
import { plannedMoments } from './plan.js';
import { Space } from './space.js';

/** A kernel that looks up guest MTRRs, and one that does not. */
const POLICIES = ['A', 'E'];
/** What the start of a machine costs, in steps, and what a need adds to it. */
const START = 20;
const EXTRA: Partial<Record<Need, number>> = { nested: 60, 'huge-pages': 60, 'gib-pages': 600 };

const costOf = ({ needs, steps }: Scenario): number =>
  needs.reduce((sum, need) => sum + (EXTRA[need] ?? 0), START + steps.length);

/** The pairs that each scenario exercises on kernels of both sorts, by the model. */
function pairsOf(scenarios: readonly Scenario[]): Map<Scenario, Set<string>> {
  const pairs = new Map(scenarios.map((scenario) => [scenario, new Set<string>()]));
  for (const policy of POLICIES.map(findPolicy)) {
    const space = new Space(policy);
    for (const [scenario, own] of pairs) {
      if (!runsUnder(scenario, policy)) continue;
      for (const moment of plannedMoments(scenario, policy))
        for (const pair of space.pairsOf(space.numbersOf(moment))) own.add(`${policy.name} ${pair}`);
    }
  }
  return pairs;
}

/** The scenario with the most new pairs for its cost; undefined if none has any. */
function next(left: Map<Scenario, Set<string>>): Scenario | undefined {
  let best: Scenario | undefined;
  let most = 0;
  for (const [scenario, pairs] of left) {
    const worth = pairs.size / costOf(scenario);
    if (worth > most) [best, most] = [scenario, worth];
  }
  return best;
}

const isGiven = ({ name }: Scenario): boolean => KILLERS.includes(name) || PROBE_SCENARIOS.includes(name);

/**
 * A part of the catalogue that exercises every pair of the state space that the whole does, and has a scenario for each kernel mutant:
 * those that notice mutants, and with them, one by one, the scenario that adds the most pairs for its steps. The same for the same
 * catalogue, in its order.
 */
export function quickSet(catalogue: readonly Scenario[]): Scenario[] {
  const left = pairsOf(catalogue);
  const chosen = new Set<Scenario>();
  const take = (scenario: Scenario): void => {
    const pairs = left.get(scenario) ?? new Set();
    chosen.add(scenario);
    left.delete(scenario);
    for (const others of left.values()) for (const pair of pairs) others.delete(pair);
  };
  for (const scenario of catalogue.filter(isGiven)) take(scenario);
  for (let best = next(left); best !== undefined; best = next(left)) take(best);
  return catalogue.filter((scenario) => chosen.has(scenario));
}

/** Whether these are the quick set; told without looking for it where they cannot be. */
export function isQuickSet(scenarios: readonly Scenario[], catalogue: readonly Scenario[]): boolean {
  const names = new Set(scenarios.map(({ name }) => name));
  if (!KILLERS.every((name) => names.has(name))) return false;
  const quick = quickSet(catalogue);
  return quick.length === names.size && quick.every(({ name }) => names.has(name));
}
