import { expect, test } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { catalogue } from '../catalogue/index.js';
import { type Policy, policies } from '../memtype/index.js';
import type { Scenario } from '../scenario/types.js';
import { Lane, type Slot } from './lane.js';
import type { Outcome } from './outcome.js';

const [FIRST, SECOND] = catalogue as [Scenario, Scenario];
const slot = (scenario: Scenario, round = 1): Slot => ({ scenario, wanted: true, round });
const started = ({ name }: Scenario): string => JSON.stringify({ type: 'started', scenario: name });
const recorded = ({ name }: Scenario): string =>
  JSON.stringify({
    type: 'recording',
    recording: { scenario: name, durationMs: 1, outcome: 'ran', infra: [], steps: [] },
  });
const ENVIRONMENT = JSON.stringify({
  type: 'environment',
  environment: environmentOf(policies.get('A') as Policy),
});
const END = JSON.stringify({ type: 'end', count: 1 });
const DONE: Outcome = { kind: 'done', status: 0, kernelWarnings: [] };

test('recordings fill the slots of their scenario in order', () => {
  const slots = [slot(FIRST), slot(SECOND), slot(FIRST, 2)];
  const lane = new Lane(slots);

  for (const scenario of [FIRST, FIRST]) lane.take(recorded(scenario));

  expect(slots.map(({ recording }) => recording !== undefined)).toEqual([true, false, true]);
});

test('a recording that nobody asked for fills no slot', () => {
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

const end = (count: number): string => JSON.stringify({ type: 'end', count });

// Each row: what the agent printed, the status that it ended with, and what is wrong about that.
test.each<[string, string[], number, string | undefined]>([
  ['did all', [ENVIRONMENT, recorded(FIRST), END], 0, undefined],
  ['left early', [ENVIRONMENT, recorded(FIRST)], 0, 'the agent ended early, with status 0'],
  ['left a scenario out', [ENVIRONMENT, END], 0, `the agent ended without ${FIRST.name}`],
  [
    'failed after its end',
    [ENVIRONMENT, recorded(FIRST), END],
    2,
    'the agent ended with status 2 after it had said that it was done',
  ],
  [
    'was killed after its end',
    [ENVIRONMENT, recorded(FIRST), END],
    139,
    'the agent ended with status 139 after it had said that it was done',
  ],
  [
    'failed to give back what it took',
    [
      ENVIRONMENT,
      recorded(FIRST),
      END,
      JSON.stringify({ type: 'failed', code: 'DMA', message: 'it is stuck' }),
    ],
    2,
    'the agent failed: it is stuck',
  ],
  ['told no environment', [recorded(FIRST), END], 0, 'the agent never told what machine it runs on'],
  [
    'told two',
    [ENVIRONMENT, ENVIRONMENT, recorded(FIRST), END],
    0,
    'the agent sent a second description of its machine',
  ],
  [
    'recorded what nobody asked for',
    [ENVIRONMENT, recorded(SECOND), recorded(FIRST), END],
    0,
    `the agent sent a recording of ${SECOND.name} that nobody asked for`,
  ],
  [
    'recorded twice',
    [ENVIRONMENT, recorded(FIRST), recorded(FIRST), END],
    0,
    `the agent sent a recording of ${FIRST.name} that nobody asked for`,
  ],
  [
    'sent a line that is no message',
    [ENVIRONMENT, recorded(FIRST), 'noise', END],
    0,
    'the agent sent a line that is not JSON: noise',
  ],
  ['cannot count', [ENVIRONMENT, recorded(FIRST), end(7)], 0, 'the agent counts 7 recordings, and made 1'],
])('an agent that %s', (_, lines, status, reason) => {
  const lane = new Lane([slot(FIRST)]);
  for (const line of lines) lane.take(line);

  expect(lane.death({ ...DONE, status })).toEqual(
    reason === undefined ? undefined : { kind: 'agent-died', reason, consoleTail: [] },
  );
});

test('a panic is a death, whatever was recorded', () => {
  const lane = new Lane([slot(FIRST)]);
  for (const line of [recorded(FIRST), END]) lane.take(line);
  const panic: Outcome = { kind: 'panic', reason: 'Fatal exception', consoleTail: [] };

  expect(lane.death(panic)).toBe(panic);
});

test('a line that is no message takes no recording away', () => {
  const lane = new Lane([slot(FIRST), slot(SECOND)]);

  for (const line of [recorded(FIRST), '{"type":"of-a-later-version"}', recorded(SECOND)]) lane.take(line);

  expect(lane.slots.map(({ recording }) => recording?.outcome)).toEqual(['ran', 'ran']);
});

test('half a line of a machine that died is not the reason why', () => {
  const lane = new Lane([slot(FIRST)]);
  const panic: Outcome = { kind: 'panic', reason: 'Fatal exception', consoleTail: [] };

  lane.take('{"type":"env');

  expect(lane.whyNotStarted(panic)).toBeUndefined();
  expect(lane.death(panic)).toBe(panic);
  expect(lane.whyNotStarted(DONE)?.message).toContain('not JSON');
});

const CASES = [
  { vcpus: 1, mib: 4 },
  { vcpus: 2, mib: 4 },
];
const zaps = (vcpus: number): string =>
  JSON.stringify({ type: 'zaps', measurement: { vcpus, mib: 4, calls: [] } });

// Each row: what the agent measured, and what is wrong about that.
test.each([
  ['all', [1, 2], undefined],
  ['less', [1], 'the agent ended after 1 of 2 boots'],
  ['more', [1, 2, 2], 'the agent sent a measurement that nobody asked for'],
  ['in another order', [2, 1, 2], 'the agent sent a measurement that nobody asked for'],
])('an agent that boots %s', (_, vcpus, reason) => {
  const lane = new Lane([], CASES);

  for (const line of [ENVIRONMENT, ...vcpus.map(zaps), end(0)]) lane.take(line);

  expect(lane.death(DONE)).toEqual(
    reason === undefined ? undefined : { kind: 'agent-died', reason, consoleTail: [] },
  );
});

test.each([
  [true, undefined],
  [false, 'the agent sent counters that nobody asked for'],
])('counters of the kernel, asked for: %s', (asked, reason) => {
  const lane = new Lane([slot(FIRST)], [], asked);
  const counters = JSON.stringify({ type: 'counters', name: 'virt/kvm/vfio.gcda', data: 'AAAA' });
  for (const line of [ENVIRONMENT, recorded(FIRST), counters, END]) lane.take(line);
  expect(lane.death(DONE)?.reason).toBe(reason);
});

test.each(['../x.gcda', 'virt/kvm/../../x.gcda', '/virt/kvm/x.gcda', 'virt/kvm/x.gcno'])(
  'counters of %s are no message',
  (name) => {
    const lane = new Lane([slot(FIRST)], [], true);
    expect(lane.take(JSON.stringify({ type: 'counters', name, data: 'AAAA' }))).toBeUndefined();
  },
);
