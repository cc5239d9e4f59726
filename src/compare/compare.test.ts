import { describe, expect, it, test } from 'vitest';
import { environmentOf, runsUnder } from '../../test/support/environment.js';
import { simulate } from '../../test/support/simulate.js';
import { catalogue } from '../catalogue/index.js';
import { judge } from '../check/judge.js';
import { type Policy, policies } from '../memtype/index.js';
import type { Environment, Recording } from '../recording/recording.js';
import type { Scenario } from '../scenario/types.js';
import { toResult } from '../session/result.js';
import { compare, isWorse } from './compare.js';
import { renderComparisons } from './render.js';
import type { Side, SideScenario } from './side.js';

type Ran = Extract<Recording, { outcome: 'ran' }>;

const policy = (name: string): Policy => policies.get(name) as Policy;

/** The side of a kernel of this policy; `change` makes another of what one scenario gave. */
function sideOf(
  name: string,
  scenarios: readonly Scenario[] = catalogue,
  change: (recording: Ran) => Recording = (recording) => recording,
): Side {
  const own = policy(name);
  const environment: Environment = environmentOf(own);
  const of = (scenario: Scenario): SideScenario => {
    const recording: Recording = runsUnder(scenario, own)
      ? change(simulate(scenario, own))
      : {
          scenario: scenario.name,
          durationMs: 0,
          outcome: 'skip',
          missing: { reason: 'not there', lift: 'bring it' },
        };
    const verdict = judge(scenario, recording, own, environment);
    return { result: toResult(scenario, recording, verdict, 'again'), seen: { scenario, recording } };
  };
  return {
    name: `kernel ${name}`,
    set: { release: '1.2.3', engine: 'bochs', policy: { name, how: 'probed', explainedBy: [] } },
    environment,
    scenarios: new Map(scenarios.map((scenario) => [scenario.name, of(scenario)])),
  };
}

const named = (name: string): Scenario => catalogue.find((one) => one.name === name) as Scenario;
const textOf = (...sides: Parameters<typeof compare>): string =>
  renderComparisons([compare(...sides)], 'pretty', { all: false, width: 80 });
const isZap = (event: object): boolean => 'new' in event && event.new === 0n;

test.each(['A', 'E+P5'])('a kernel of policy %s is as another of it', (name) => {
  const [a, b] = [sideOf(name), sideOf(name)];
  const { groups, skips, verdicts } = compare(a, b);

  expect({ groups, skips, verdicts }).toEqual({
    groups: [],
    skips: [],
    verdicts: { worse: [], better: [], notNew: [] },
  });
  expect(textOf(a, b)).toContain(`\nno difference in ${catalogue.length} scenarios\n`);
});

describe('the end of guest MTRRs, A to E', () => {
  const comparison = compare(sideOf('A'), sideOf('E'));
  const told = (what: string) =>
    comparison.groups
      .filter((group) => group.what === what)
      .map(({ where, from, to }) => ({
        where,
        from: from[0]?.text,
        to: to.map(({ text }) => text),
      }));

  it('is told in one line for all leaves: from what the MTRRs say to WB', () => {
    expect(told('leaf')).toContainEqual({
      where: expect.arrayContaining(['RAM with non-coherent DMA']),
      from: expect.stringMatching(/^the guest’s MTRR type \(/),
      to: ['WB IPAT=0'],
    });
  });

  it('is told in one line for all zaps that are no more', () => {
    expect(told('zap')).toContainEqual({
      where: expect.arrayContaining(['an MTRR write with non-coherent DMA']),
      from: 'zapped',
      to: ['stays'],
    });
  });

  it('is told in one line for all exits to the VMM', () => {
    expect(told('exit')).toEqual([
      {
        where: expect.arrayContaining(['vCPU 0’s read of MSR 0x278']),
        from: 'INVAL',
        to: expect.arrayContaining(['UNKNOWN']),
      },
    ]);
  });

  it('makes neither side worse', () => {
    expect(isWorse(comparison)).toBe(false);
  });

  it('reads backwards as well', () => {
    const back = compare(sideOf('E'), sideOf('A'));

    expect(new Set(back.groups.map(({ what }) => what))).toEqual(
      new Set(comparison.groups.map(({ what }) => what)),
    );
    expect(back.groups.find(({ what }) => what === 'leaf')?.to[0]?.text).toMatch(/^the guest’s MTRR type/);
  });

  it.each(['pretty', 'markdown'] as const)('keeps to 80 columns and 40 lines as %s', (format) => {
    const lines = renderComparisons([comparison], format, { all: false, width: 200 }).split('\n');

    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.length - 1).toBeLessThanOrEqual(40);
    expect(lines.at(-2)).toMatch(/nothing fails that did not$/);
  });

  it('tells of every change if all are asked for', () => {
    const all = renderComparisons([comparison], 'pretty', { all: true, width: 80 });

    expect(all.split('\n').length).toBeGreaterThan(500);
  });

  it('tells programs all of it', () => {
    const { schema, worse, comparisons } = JSON.parse(
      renderComparisons([comparison], 'json', { all: false, width: 80 }),
    );

    expect([schema, worse, comparisons[0].a.name]).toEqual(['kvm-memtype/comparison', false, 'kernel A']);
    expect(comparisons[0].groups[0].changes[0]).toMatchObject({
      scenario: expect.any(String),
      step: expect.any(Number),
    });
  });
});

describe('a fault that only the second kernel has', () => {
  const scenario = named('mtrr/default-type');
  const withoutZaps = (recording: Ran): Ran => ({
    ...recording,
    steps: recording.steps.map((step) => ({
      ...step,
      events: step.events?.filter((event) => !isZap(event)) ?? [],
    })),
  });
  const [good, bad] = [sideOf('A', [scenario]), sideOf('A', [scenario], withoutZaps)];

  it('is named by step and page without a model, and the kernel is worse', () => {
    const [group] = compare(good, bad).groups.filter(({ what }) => what === 'zap');

    expect(group).toMatchObject({ from: [{ text: 'zapped' }], to: [{ text: 'stays' }] });
    expect(group?.changes[0]).toMatchObject({ scenario: scenario.name, gfn: expect.any(Number) });
    expect(textOf(good, bad)).toContain('the second is worse than the first: 1 scenario fails that did not');
    expect(isWorse(compare(good, bad))).toBe(true);
  });

  it('is not new if both have it, and better if it is gone', () => {
    expect(compare(bad, bad).verdicts.notNew).toHaveLength(1);
    expect(isWorse(compare(bad, bad))).toBe(false);
    expect(compare(bad, good).verdicts.better).toHaveLength(1);
  });
});

test('what follows steps at the same time is chance, and not compared', () => {
  const race = named('race/dma');
  const at = race.steps.findIndex((step) => step.do === 'together');
  const otherEnd = (recording: Ran): Ran => ({
    ...recording,
    steps: recording.steps.map((step) => (step.step < at ? step : { ...step, events: [] })),
  });

  const { groups } = compare(sideOf('E', [race]), sideOf('E', [race], otherEnd));

  expect(groups).toEqual([]);
});

test('saved results are compared by their verdicts, and that is said', () => {
  const a = sideOf('A', [named('mtrr/default-type')]);
  const { environment: _, scenarios, ...rest } = a;
  const saved: Side = {
    ...rest,
    scenarios: new Map([...scenarios].map(([name, { result }]) => [name, { result }])),
  };

  const comparison = compare(saved, sideOf('E', [named('mtrr/default-type')]));

  expect([comparison.compared, comparison.verdictsOnly, comparison.groups]).toEqual([0, 1, []]);
  expect(textOf(saved, a)).toContain('of kernel A only results were saved');
});

test('where entries hold no types, none are compared', () => {
  const one = named('mtrr/default-type');
  const a = sideOf('A', [one]);
  const environment: Environment = { ...(a.environment as Environment), paging: 'npt' };

  const { groups } = compare(a, { ...a, environment });

  expect(groups).toEqual([]);
});

test('a kernel that died is worse, but not worse than one that died so too', () => {
  const good = sideOf('A', []);
  const dead: Side = {
    ...good,
    set: { ...good.set, crashed: { kind: 'panic', reason: 'x', consoleTail: [] } },
  };

  expect([isWorse(compare(good, dead)), isWorse(compare(dead, dead)), isWorse(compare(dead, good))]).toEqual([
    true,
    false,
    false,
  ]);
});

test('scenarios that only one side has, or that differ, are told and left out', () => {
  const one = named('mtrr/default-type');
  const other = { ...one, steps: one.steps.slice(0, -1) };
  const [a, b] = [sideOf('A', [one, named('ram/default')].filter(Boolean)), sideOf('A', [other])];

  const { unlike, onlyB, compared } = compare(a, b);

  expect([unlike, onlyB, compared]).toEqual([[one.name], [], 0]);
});
