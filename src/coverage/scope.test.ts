import { expect, test } from 'vitest';
import { catalogue } from '../catalogue/index.js';
import { quickSet } from './quick.js';
import { scopeOf } from './scope.js';

const QUICK = quickSet(catalogue);

test.each([
  ['whole', catalogue],
  ['quick', QUICK],
  ['chosen', catalogue.slice(1)],
  ['chosen', QUICK.slice(1)],
  ['chosen', [...QUICK, catalogue.find((scenario) => !QUICK.includes(scenario))]],
  ['chosen', catalogue.slice(0, 1)],
])('a run is of this scope: %s', (scope, scenarios) => {
  expect(
    scopeOf(
      scenarios.flatMap((one) => one ?? []),
      catalogue,
    ),
  ).toBe(scope);
});
