import { describe, expect, it, test } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { simulate } from '../../test/support/simulate.js';
import { catalogue } from '../catalogue/index.js';
import { type Policy, policies } from '../memtype/index.js';
import type { Scenario } from '../scenario/types.js';
import { compare, isWorse } from './compare.js';
import { costEntries } from './cost-words.js';
import { type Cost, costsOf } from './costs.js';
import { renderComparisons } from './render.js';
import type { Side } from './side.js';

const scenario = catalogue.find(({ name }) => name === 'mtrr/default-type') as Scenario;

interface Kernel {
  policy?: string;
  engine?: Side['set']['engine'];
  /** Milliseconds of each round; the first does not count. */
  ms?: readonly number[];
  boots?: Side['boots'];
}

/** A kernel that ran one scenario once for each time. */
function sideOf({ policy = 'A', engine = 'bochs', ms = [400, 100, 102, 98, 101, 99], boots }: Kernel): Side {
  const own = policies.get(policy) as Policy;
  const rounds = ms.map((durationMs) => ({ ...simulate(scenario, own), durationMs }));
  return {
    name: `kernel ${policy}`,
    set: { release: '1.2.3', engine, policy: { name: policy, how: 'probed', explainedBy: [] } },
    environment: environmentOf(own),
    scenarios: new Map(),
    rounds: new Map([[scenario.name, rounds]]),
    ...(boots && { boots }),
  };
}

const costs = (a: Kernel, b: Kernel, most?: number): Cost[] =>
  costsOf(sideOf(a), sideOf(b), [scenario.name], most);
const textsOf = (all: readonly Cost[]): string[] =>
  costEntries(all).map(({ count, text }) => `${count} ${text}`);

describe('what two kernels take', () => {
  it('is no difference where they are alike but for chance', () => {
    const texts = textsOf(costs({}, { ms: [300, 101, 99, 103, 100, 98] }));

    expect(texts).toHaveLength(3);
    expect(texts.every((text) => text.includes('no difference'))).toBe(true);
    expect(texts.at(-1)).toMatch(
      /^x1 time of scenarios, 2M -> 2\.004M guest instructions: no difference \(95 %: x0\.9\d+ to x1\.0\d+, 5 and 5 runs\)$/,
    );
  });

  it('has an interval without 1 where one takes more', () => {
    const [, , time] = costs({}, { ms: [150, 150, 152, 149, 151, 148] });

    expect(time?.ratio).toBe(1.5);
    expect(time?.interval?.[0]).toBeGreaterThan(1.4);
    expect(time?.interval?.[1]).toBeLessThan(1.6);
  });

  it('tells how many leaves each makes and zaps', () => {
    const [made, zapped] = costs({ policy: 'A' }, { policy: 'E' });

    expect(made?.ratio).toBeLessThan(1);
    expect(zapped?.ratio).toBeLessThan(1);
    expect(textsOf([zapped as Cost])[0]).toMatch(/^x0\.\d+ leaves zapped, \d+ -> \d+$/);
  });

  it('tells of zaps in boots where they were measured on both', () => {
    const boots = (zaps: number, ns: number) => Array.from({ length: 6 }, () => ({ zaps, ns }));
    const [a, b] = [{ boots: boots(11, 1.5e6) }, { boots: boots(0, 0) }];

    expect(textsOf(costs(a, b)).slice(3)).toEqual([
      'x0 zaps of a boot, 11 -> 0',
      'x0 time in zaps of a boot, 1.5 -> 0 ms',
    ]);
    expect(textsOf(costs(b, a, 1.1))[3]).toBe('new zaps of a boot, 0 -> 11; beyond the threshold');
    expect(costs(a, {})).toHaveLength(3);
  });

  it('says that few runs tell no chance, and of one run nothing', () => {
    expect(textsOf(costs({ ms: [100, 101] }, { ms: [120, 121] }))[2]).toMatch(/fewer than 5 runs of each$/);
    expect(costs({ ms: [100] }, { ms: [120] })).toEqual([]);
  });

  it('counts no instructions where the clock is not theirs', () => {
    const [, , time] = costs({ engine: 'qemu-tcg' }, { engine: 'qemu-tcg' });

    expect(time?.unit).toBe('ms');
  });
});

test.each([
  ['beyond the threshold', 1.05, true],
  ['below it', 1.6, false],
])('a kernel that takes half as much again is worse if that is %s', (_, most, worse) => {
  const scenarios = new Map([[scenario.name, { result: resultOf() }]]);
  const [a, b] = [{}, { ms: [150, 150, 152, 149, 151, 148] }].map((kernel) => ({
    ...sideOf(kernel),
    scenarios,
  }));
  const comparison = compare(a as Side, b as Side, most);
  const text = renderComparisons([comparison], 'pretty', { all: false, width: 80 }).replace(/\s+/g, ' ');

  expect(isWorse(comparison)).toBe(worse);
  expect(text.includes('beyond the threshold')).toBe(worse);
  expect(text.includes('more than the threshold lets it take: time of scenarios')).toBe(worse);
});

function resultOf() {
  const [family = '', name = ''] = scenario.name.split('/');
  return { family, name, status: 'pass' as const, durationMs: 1, checks: {}, failures: [], errata: [] };
}
