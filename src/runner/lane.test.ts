import { expect, test } from 'vitest';
import { catalogue } from '../catalogue/index.js';
import type { LabOutcome } from '../lab/index.js';
import type { Scenario } from '../scenario/types.js';
import { Lane, type Slot } from './lane.js';

const [FIRST, SECOND] = catalogue as [Scenario, Scenario];
const slot = (scenario: Scenario, round = 1): Slot => ({ scenario, wanted: true, round });
const started = ({ name }: Scenario): string => JSON.stringify({ type: 'started', scenario: name });
const recorded = ({ name }: Scenario): string =>
  JSON.stringify({
    type: 'recording',
    recording: { scenario: name, durationMs: 1, outcome: 'ran', infra: [], steps: [] },
  });
const END = JSON.stringify({ type: 'end', count: 1 });
const DONE: LabOutcome = { kind: 'done', status: 0, kernelWarnings: [] };

test('recordings fill the slots of their scenario in order', () => {
  const slots = [slot(FIRST), slot(SECOND), slot(FIRST, 2)];
  const lane = new Lane(slots);

  for (const scenario of [FIRST, FIRST]) lane.take(recorded(scenario));

  expect(slots.map(({ recording }) => recording !== undefined)).toEqual([true, false, true]);
});

test('a recording that nobody asked for is left aside', () => {
  const lane = new Lane([slot(FIRST)]);

  lane.take(recorded(SECOND));

  expect(lane.slots[0]?.recording).toBeUndefined();
});

test('the scenario that was started last is the one that runs, until it is recorded', () => {
  const [one, two] = [slot(FIRST), slot(SECOND)];
  const lane = new Lane([one, two]);

  lane.take(started(FIRST));

  expect([lane.isRunning(one), lane.isRunning(two)]).toEqual([true, false]);
  lane.take(recorded(FIRST));
  expect(lane.isRunning(one)).toBe(false);
});

test.each([
  ['an agent that did all', [recorded(FIRST), END], undefined],
  ['one that left early', [recorded(FIRST)], 'the agent ended early, with status 0'],
  ['one that left a scenario out', [END], `the agent ended without ${FIRST.name}`],
])('%s', (_, lines, reason) => {
  const lane = new Lane([slot(FIRST)]);
  for (const line of lines) lane.take(line);

  expect(lane.death(DONE)?.reason).toBe(reason);
});

test('a panic is a death, whatever was recorded', () => {
  const lane = new Lane([slot(FIRST)]);
  for (const line of [recorded(FIRST), END]) lane.take(line);
  const panic: LabOutcome = { kind: 'panic', reason: 'Fatal exception', consoleTail: [] };

  expect(lane.death(panic)).toBe(panic);
});
