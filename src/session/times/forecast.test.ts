import { expect, it } from 'vitest';
import { catalogue } from '../../catalogue/index.js';
import type { AgentMessage, Recording } from '../../recording/recording.js';
import type { Scenario } from '../../scenario/types.js';
import { Lane } from '../lane.js';
import { Forecast } from './forecast.js';

const [A, B, C, D] = catalogue.slice(0, 4) as [Scenario, Scenario, Scenario, Scenario];
const laneOf = (...scenarios: Scenario[]): Lane =>
  new Lane(scenarios.map((scenario) => ({ scenario, wanted: true, round: 1 })));
const LAST = { startMs: 5_000, scenarios: { [A.name]: 1_000, [B.name]: 3_000, [C.name]: 2_000 } };

/** Lanes whose agents say things at a time, and what is left then. */
function follow(lanes: readonly Lane[], last: typeof LAST | undefined) {
  let time = 0;
  const forecast = new Forecast(lanes, last, undefined, () => time);
  const say = (at: number, lane: Lane, message: object): void => {
    time = at;
    forecast.take(message as AgentMessage, lane);
  };
  return {
    forecast,
    started: (at: number, lane: Lane, { name }: Scenario) =>
      say(at, lane, { type: 'started', scenario: name }),
    recorded(at: number, lane: Lane, { name }: Scenario) {
      const recording = { scenario: name } as Recording;
      const slot = lane.slots.find(({ scenario }) => scenario.name === name);
      if (slot !== undefined) slot.recording = recording;
      say(at, lane, { type: 'recording', recording });
    },
    leftAt(at: number) {
      time = at;
      return forecast.left();
    },
  };
}

it('counts the start and each scenario, and what it is at', () => {
  const lane = laneOf(A, B);
  const run = follow([lane], LAST);

  expect(run.leftAt(0)).toBe(9_000);
  expect(run.leftAt(4_000)).toBe(5_000);
  expect(run.leftAt(7_000)).toBe(4_000);
  run.started(7_000, lane, A);
  expect(run.leftAt(7_400)).toBe(3_600);
  run.recorded(8_000, lane, A);
  run.started(8_000, lane, B);
  expect(run.leftAt(9_000)).toBe(2_000);
  expect(run.leftAt(20_000)).toBe(0);
});

it('is that of the machine that takes longest; of a scenario that is new it expects the usual', () => {
  const [one, two] = [laneOf(A, D), laneOf(B, C)];
  const run = follow([one, two], LAST);
  run.started(5_000, one, A);
  run.started(5_000, two, B);

  expect(run.leftAt(5_000)).toBe(5_000);
  run.recorded(8_000, two, B);
  run.recorded(8_000, two, C);
  // A is overdue; D takes the median of the last run, at the pace of B and C: 3 s for 5 s.
  expect(run.leftAt(8_000)).toBe(1_200);
});

it('takes the pace of what is done for that of the rest', () => {
  const lane = laneOf(B, C);
  const run = follow([lane], LAST);
  run.started(5_000, lane, B);
  run.recorded(11_000, lane, B);

  expect(run.leftAt(11_000)).toBe(4_000);
});

it('measures for the next run, and knows nothing of a first one', () => {
  const lane = laneOf(A, B);
  const run = follow([lane], undefined);

  expect(run.forecast.times()).toBeUndefined();
  run.started(2_000, lane, A);
  run.recorded(2_500, lane, A);
  expect(run.leftAt(3_000)).toBeUndefined();
  expect(run.forecast.times()).toEqual({ startMs: 2_000, scenarios: { [A.name]: 500 } });
});

it('is what is left for each machine, where they come back for more', () => {
  const lanes = [laneOf(A), laneOf(B), laneOf(C)];
  const forecast = new Forecast(lanes, LAST, 2, () => 0);

  expect(forecast.left()).toBe(LAST.startMs + 6_000 / 2);
});
