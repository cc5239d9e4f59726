import { describe, expect, it } from 'vitest';
import { crashedSet, departedSet, runOf, scenarios, setOf } from '../../test/support/results.js';
import { exitStatus, summarize, worst } from './summary.js';
import type { RunResult } from './types.js';

const { pass, fail, skip, error, timeout } = scenarios;

describe('exitStatus', () => {
  const cases: [string, RunResult, number][] = [
    ['all passed', runOf(setOf(pass, pass)), 0],
    ['some passed, some skipped', runOf(setOf(pass, skip)), 0],
    ['one set passed, one skipped', runOf(setOf(pass), setOf(skip)), 0],
    ['one failed', runOf(setOf(pass, fail)), 1],
    ['an error', runOf(setOf(pass, error)), 1],
    ['a timeout', runOf(setOf(pass, timeout)), 1],
    ['a failure in a second set', runOf(setOf(pass), setOf(fail)), 1],
    ['all passed, then the kernel died', runOf(crashedSet()), 1],
    ['all passed, by another policy than the version’s', runOf(departedSet()), 0],
    ['the same with --strict', runOf(departedSet(true)), 1],
    ['all skipped', runOf(setOf(skip), setOf(skip)), 4],
    ['nothing at all', runOf(), 4],
  ];
  it.each(cases)('%s', (_, run, status) => {
    expect(exitStatus(run)).toBe(status);
  });
});

it('summarize counts statuses, sums checks by kind and counts crashes', () => {
  const summary = summarize([setOf(pass, pass, fail, skip), crashedSet()]);

  expect(summary).toEqual({
    counts: { pass: 3, fail: 1, skip: 1, error: 0, timeout: 0 },
    checks: { leaves: 38, zaps: 3, msrs: 0 },
    crashes: 1,
    departures: 0,
  });
});

it('worst is the gravest status; skipped members do not hide a pass', () => {
  expect(worst([pass, skip])).toBe('pass');
  expect(worst([pass, error, fail, timeout])).toBe('fail');
  expect(worst([skip])).toBe('skip');
  expect(worst([])).toBe('skip');
});
