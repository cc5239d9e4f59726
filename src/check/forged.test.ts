import { expect, test } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { simulate } from '../../test/support/simulate.js';
import { catalogue } from '../catalogue/index.js';
import { type Policy, policies } from '../memtype/index.js';
import type { Recording, StepRecord } from '../recording/recording.js';
import type { Scenario } from '../scenario/types.js';
import { judge, passes } from './judge.js';

type Ran = Extract<Recording, { outcome: 'ran' }>;
type Steps = readonly StepRecord[];

const A = policies.get('A') as Policy;
const scenarioNamed = (name: string): Scenario => catalogue.find((s) => s.name === name) as Scenario;
const events = (record: StepRecord) => record.events ?? [];

/** Take the zaps out of the step that drops everything, and put them, `times` over, into the last one. */
function zapsLater(steps: Steps, times: number): StepRecord[] {
  const drops = (record: StepRecord): boolean => events(record).some(({ kind }) => kind === 'zap-all');
  const zaps = steps
    .filter(drops)
    .flatMap((record) => events(record).filter(({ kind }) => kind === 'change'));
  return steps.map((record, i) => {
    if (drops(record)) return { ...record, events: [{ kind: 'zap-all' }] };
    const late = i === steps.length - 1 ? Array.from({ length: times }, () => zaps).flat() : [];
    return { ...record, events: [...events(record), ...late] };
  });
}

/** Each row: what was done to a recording that passes, of which scenario, how, and the verdict. */
const FORGED: readonly (readonly [string, string, (steps: Steps, s: Scenario) => Steps, 'fail' | 'error'])[] =
  [
    ['steps cut off after the start', 'dma/probe', (steps) => steps.slice(0, 1), 'error'],
    ['half the steps', 'dma/probe', (steps) => steps.slice(0, steps.length / 2), 'error'],
    ['every second step', 'dma/probe', (steps) => steps.filter((_, i) => i % 2 === 0), 'error'],
    ['steps in reverse', 'dma/probe', (steps) => steps.toReversed(), 'error'],
    [
      'a step number far out',
      'dma/probe',
      (steps) => steps.with(-1, { ...(steps.at(-1) as StepRecord), step: 99_999 }),
      'error',
    ],
    [
      'no results of ioctls',
      'dma/probe',
      (steps) => steps.map(({ result: _, ...record }) => record),
      'error',
    ],
    [
      'every access of the guest a page fault',
      'dma/probe',
      (steps, s) =>
        steps.map((record) => {
          if (s.steps[record.step]?.do !== 'access') return record;
          const { value: _, ...rest } = record;
          return { ...rest, ok: false, vector: 14 };
        }),
      'fail',
    ],
    [
      'a zap of everything in each step',
      'pat/write-no-zap',
      (steps) => steps.map((record) => ({ ...record, events: [...events(record), { kind: 'zap-all' }] })),
      'fail',
    ],
    [
      'no zap of everything where a slot goes',
      'ram/memslot-delete',
      (steps) =>
        steps.map((record) => ({
          ...record,
          events: events(record).filter(({ kind }) => kind !== 'zap-all'),
        })),
      'fail',
    ],
    ['zaps long after the slot went', 'ram/memslot-delete', (steps) => zapsLater(steps, 1), 'fail'],
    ['the same, many times over', 'ram/memslot-delete', (steps) => zapsLater(steps, 50), 'fail'],
    ['nothing traced at all', 'pat/write-no-zap', (steps) => steps.map(({ events: _, ...r }) => r), 'error'],
  ];

test.each(FORGED)('%s is no pass', (_what, name, forge, status) => {
  const scenario = scenarioNamed(name);
  const good: Ran = simulate(scenario, A);

  const verdict = (steps: Steps) => judge(scenario, { ...good, steps }, A, environmentOf(A)).status;

  const isPass = (steps: Steps) => passes(scenario, { ...good, steps }, A, environmentOf(A));
  const forged = forge(good.steps, scenario);

  expect([verdict(good.steps), verdict(forged)]).toEqual(['pass', status]);
  expect([isPass(good.steps), isPass(forged)]).toEqual([true, false]);
});

test('a recording of another scenario is no pass', () => {
  const scenario = scenarioNamed('msr/readback');
  const other = { ...simulate(scenario, A), scenario: 'msr/invalid-pat' };

  expect(judge(scenario, other, A, environmentOf(A)).message).toContain('it is one of msr/invalid-pat');
});
