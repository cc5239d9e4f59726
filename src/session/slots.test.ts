import { expect, test } from 'vitest';
import { scenario } from '../scenario/builder.js';
import type { Scenario } from '../scenario/types.js';
import type { SessionRequest } from './request.js';
import { planOf } from './slots.js';

test('the last machine alone runs all that needs a page of 1 GiB', () => {
  const needs = ['gib-pages'] as const;
  const some = (n: number): Scenario => scenario(`test/n${n}`, 'A title', n % 5 === 0 ? { needs } : {}, []);
  const scenarios = Array.from({ length: 30 }, (_, n) => some(n));
  const request = { target: { engine: 'bochs' }, scenarios, catalogue: [], policy: 'E', repeat: 1 };
  const { slots, lanes } = planOf(request as unknown as SessionRequest);

  expect(slots.map((slot) => slot.scenario)).toEqual(scenarios);
  expect(lanes.flat().length).toBe(30);
  const large = lanes.map((lane) => lane.filter((slot) => slot.scenario.needs.includes('gib-pages')).length);
  expect(large).toEqual([...lanes.slice(1).map(() => 0), 6]);
});

test.each([
  ['that machine gets fewer of the others, as it clears the page', false, 19],
  ['a saved machine has it clear', true, -1],
])('%s', (_, snapshot, fewer) => {
  const some = (n: number): Scenario =>
    scenario(`test/n${n}`, 'A title', n === 0 ? { needs: ['gib-pages'] } : {}, []);
  const scenarios = Array.from({ length: 401 }, (_, n) => some(n));
  const target = { engine: 'bochs', snapshot };
  const request = { target, scenarios, catalogue: [], policy: 'E', repeat: 1 };
  const { lanes } = planOf(request as unknown as SessionRequest);

  const [first = [], last = []] = [lanes[0], lanes.at(-1)];
  expect(new Set(lanes.flat()).size).toBe(401);
  expect(first.length - last.length).toBe(lanes.length === 1 ? 0 : fewer);
});

test('one machine does all in their order', () => {
  const some = (n: number): Scenario =>
    scenario(`test/n${n}`, 'A title', n === 0 ? { needs: ['gib-pages'] } : {}, []);
  const scenarios = Array.from({ length: 5 }, (_, n) => some(n));
  const request = { target: { engine: 'host' }, scenarios, catalogue: [], policy: 'E', repeat: 1 };
  const { slots, lanes } = planOf(request as unknown as SessionRequest);

  expect(lanes).toEqual([slots]);
});

test('machines that come back for more have more shares than there are machines, and one is all that needs a page of 1 GiB', () => {
  const some = (n: number): Scenario =>
    scenario(`test/n${n}`, 'A title', n % 20 === 0 ? { needs: ['gib-pages'] } : {}, []);
  const scenarios = Array.from({ length: 200 }, (_, n) => some(n));
  const request = { target: { engine: 'bochs' }, scenarios, catalogue: [], policy: 'E', repeat: 1 };
  const { slots, lanes, machines } = planOf(request as unknown as SessionRequest, true);

  if (machines === undefined) return; // One processor has one machine.
  expect(new Set(lanes.flat())).toEqual(new Set(slots));
  expect(lanes.length).toBeGreaterThan(machines);
  const large = lanes.filter((lane) => lane.some((slot) => slot.scenario.needs.includes('gib-pages')));
  expect(large.map((lane) => lane.length)).toEqual([10]);
});
