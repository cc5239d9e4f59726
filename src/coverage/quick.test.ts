import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { catalogue } from '../catalogue/index.js';
import { KILLERS } from '../catalogue/killers.js';
import { findPolicy } from '../memtype/index.js';
import type { Scenario } from '../scenario/types.js';
import { runsUnder } from './needs.js';
import { plannedMoments } from './plan.js';
import { isQuickSet, quickSet } from './quick.js';
import { Tally } from './tally.js';

const QUICK = quickSet(catalogue);

const seenBy = (scenarios: readonly Scenario[], name: string): number => {
  const policy = findPolicy(name);
  const tally = new Tally(policy);
  for (const one of scenarios.filter((s) => runsUnder(s, policy)))
    for (const moment of plannedMoments(one, policy)) tally.add(moment);
  return tally.report().pairs.seen;
};

test.each(['A', 'E'])(
  'the quick set exercises under policy %s every pair that the catalogue does',
  (name) => {
    expect(seenBy(QUICK, name)).toBe(seenBy(catalogue, name));
  },
);

test('the quick set is a part of the catalogue, in its order, and always the same', () => {
  expect(QUICK).toEqual(catalogue.filter((scenario) => QUICK.includes(scenario)));
  expect(quickSet(catalogue)).toEqual(QUICK);
  expect(QUICK.length).toBeLessThan(catalogue.length * 0.7);
});

test('it is known again by its scenarios', () => {
  expect(isQuickSet(QUICK, catalogue)).toBe(true);
  expect(isQuickSet(catalogue, catalogue)).toBe(false);
  expect(isQuickSet(QUICK.slice(1), catalogue)).toBe(false);
});

test('every scenario that is to notice mutants exists', () => {
  const names = catalogue.map(({ name }) => name);
  expect(KILLERS.filter((name) => !names.includes(name))).toEqual([]);
});

test('every kernel mutant of the table that was killed is noticed by a scenario of the quick set', () => {
  const table = readFileSync(new URL('../../docs/kernel-mutants.md', import.meta.url), 'utf8');
  const quick = new Set(QUICK.map(({ name }) => name));
  const rows = [...table.matchAll(/^\| `(\S+)` .*\| killed by ([^|]*?)\s*\|[^|]*\|$/gm)];
  const missed = rows.filter(([, , by]) => !by?.split(/, | and /).some((name) => quick.has(name)));

  expect(rows.length).toBeGreaterThan(50);
  expect(missed.map(([, mutant, by]) => `${mutant}: ${by}`)).toEqual([]);
});
