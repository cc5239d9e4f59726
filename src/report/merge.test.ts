import { describe, expect, it } from 'vitest';
import { runOf, scenarios, setOf } from '../../test/support/results.js';
import { mergeRuns, type Order } from './merge.js';
import type { ResultSet, RunResult, ScenarioResult } from './types.js';

const ALL = Object.values(scenarios);
const nameOf = ({ family, name }: ScenarioResult): string => `${family}/${name}`;
const ORDER: Order = {
  names: () => ALL.map(nameOf),
  scope: (names) => (names.length === ALL.length ? 'whole' : 'chosen'),
};
const WITHOUT_REPEAT = ALL.map(({ repeat: _, ...rest }) => rest);

const shard = (i: number, n: number): ScenarioResult[] => WITHOUT_REPEAT.filter((_, at) => at % n === i);
const part = (name: string, set: ResultSet): { name: string; run: RunResult } => ({ name, run: runOf(set) });
const merge = (...sets: ResultSet[]): RunResult =>
  mergeRuns(
    sets.map((set, i) => part(`${i}.json`, set)),
    ORDER,
  );

describe('merging parts of a run', () => {
  it.each([1, 2, 4])('%i shards give the results of the whole, in its order', (n) => {
    const whole = setOf(...WITHOUT_REPEAT);
    const merged = merge(...Array.from({ length: n }, (_, i) => setOf(...shard(i, n))).reverse());

    expect(merged.sets).toHaveLength(1);
    expect(merged.sets[0]?.scenarios).toEqual(whole.scenarios);
    if (n > 1) expect(merged.sets[0]).toMatchObject({ scope: 'whole', planned: ALL.length });
  });

  it('keeps kernels of other names apart', () => {
    const other = { ...setOf(scenarios.pass), name: 'other' };
    expect(merge(setOf(scenarios.pass), other).sets.map(({ name }) => name)).toEqual([
      'bzImage-6.1',
      'other',
    ]);
  });

  it('names the policies that explain every part in which something failed', () => {
    const explained = (explainedBy: string[], result: ScenarioResult): ResultSet => {
      const set = setOf(result);
      return { ...set, policy: { ...set.policy, explainedBy } };
    };
    const second = { ...scenarios.fail, name: 'other' };
    const merged = merge(
      explained(['B', 'C'], scenarios.fail),
      explained(['C', 'D'], second),
      explained([], scenarios.pass),
    );
    expect(merged.sets[0]?.policy.explainedBy).toEqual(['C']);
  });

  it('a part that has run a scenario counts over one whose kernel died before it', () => {
    const lost = { ...scenarios.skip, ...{ family: 'mtrr', name: 'default-type' } };
    const skip = { reason: 'not run: the kernel died', lift: 'see' };
    const merged = merge(setOf({ ...lost, skip }), setOf(scenarios.fail));
    expect(merged.sets[0]?.scenarios).toEqual([scenarios.fail]);
  });

  it.each<[string, Partial<ResultSet>, RegExp]>([
    ['a scenario twice', {}, /^mtrr\/overlap-uc-over-wb of bzImage-6.1 is in 0.json and in 1.json$/],
    ['another release', { release: '6.2' }, /not one kernel .*release differs/],
    ['another policy', { policy: { name: 'E', how: 'probed', explainedBy: [] } }, /policy differs/],
    ['another engine', { engine: 'host' }, /engine differs/],
  ])('refuses %s', (_, change, message) => {
    expect(() => merge(setOf(scenarios.pass), { ...setOf(scenarios.pass), ...change })).toThrow(message);
  });

  it('refuses results of two versions of the program', () => {
    const one = part('a', setOf(scenarios.pass));
    const two = { name: 'b', run: { ...one.run, tool: { ...one.run.tool, version: '9.9.9' } } };
    expect(() => mergeRuns([one, two], ORDER)).toThrow(/two versions/);
  });
});
