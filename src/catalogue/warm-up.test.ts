import { expect, test } from 'vitest';
import { scenario, touch, wrmsr } from '../scenario/builder.js';
import { catalogue } from './index.js';
import { warmUpOf } from './warm-up.js';

test('each kind of step is there, by short scenarios', () => {
  const long = scenario('test/long', 'Long', {}, [touch(0n), touch(0n), touch(0n), wrmsr(0x277, 0n)]);
  const short = scenario('test/short', 'Short', {}, [touch(0n)]);
  const host = scenario('test/host', 'Host', {}, [wrmsr(0x277, 0n, { by: 'host' })]);

  expect(warmUpOf([long, short, host])).toEqual([short, host, long]);
  expect(warmUpOf([short, short])).toEqual([short]);
  expect(warmUpOf([])).toEqual([]);
});

test('for the catalogue it is a small part', () => {
  const steps = (scenarios: typeof catalogue): number =>
    scenarios.reduce((sum, each) => sum + each.steps.length, 0);
  const chosen = warmUpOf(catalogue);

  expect(new Set(chosen.flatMap((each) => each.steps.map((step) => step.do)))).toEqual(
    new Set(catalogue.flatMap((each) => each.steps.map((step) => step.do))),
  );
  expect(steps(chosen)).toBeLessThan(steps(catalogue) / 8);
});
