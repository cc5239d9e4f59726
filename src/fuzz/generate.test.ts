import { describe, expect, test } from 'vitest';
import { environmentOf, needsTdpMmu, runsUnder } from '../../test/support/environment.js';
import { asLegacy, simulate } from '../../test/support/simulate.js';
import { judge } from '../check/judge.js';
import { type Policy, policies } from '../memtype/index.js';
import { printScenario } from '../scenario/file/print.js';
import { brokenRules } from '../scenario/rules.js';
import { randomScenario, SUBJECTS } from './generate.js';

const SEED = 7;
const COUNT = 200;
const all = Array.from({ length: COUNT }, (_, n) => randomScenario(SEED, n));

test('every random scenario is legal', () => {
  expect(all.flatMap(brokenRules)).toEqual([]);
});

test('a seed and a number give the same scenario again, and another seed another one', () => {
  expect(printScenario(randomScenario(SEED, 3))).toBe(printScenario(all[3] as (typeof all)[number]));
  expect(randomScenario(SEED + 1, 3).steps).not.toEqual(all[3]?.steps);
});

test('they have steps of every kind that there are subjects for, large pages, two vCPUs, and all widths of addresses', () => {
  const kinds = new Set(all.flatMap(({ steps }) => steps.map((step) => step.do)));

  expect([...kinds].sort()).toEqual([
    'access',
    'ask',
    'cd',
    'clear-dirty-log',
    'delete-memslot',
    'disable-quirk',
    'discard',
    'get-dirty-log',
    'host-memory',
    'init',
    'invept',
    'manual-protect',
    'memslot',
    'msr-exits',
    'msr-filter',
    'msrs',
    'nested-access',
    'noncoherent',
    'pre-fault',
    'rdmsr',
    'restore',
    'together',
    'wrmsr',
  ]);
  expect(new Set(all.map(({ hugeRam }) => hugeRam)).size).toBe(2);
  expect(new Set(all.map(({ vcpus }) => vcpus))).toEqual(new Set([1, 2]));
  expect(new Set(all.map(({ maxphyaddr }) => maxphyaddr)).size).toBe(4);
});

test.each(SUBJECTS)('with %s as the only subject there are steps of no other', (subject) => {
  const own = {
    mtrr: ['wrmsr', 'rdmsr'],
    pat: ['wrmsr', 'rdmsr'],
    cd: ['cd'],
    dma: ['noncoherent'],
    slots: ['memslot', 'delete-memslot', 'discard'],
    dirty: ['memslot', 'get-dirty-log', 'clear-dirty-log', 'manual-protect'],
    quirk: ['disable-quirk'],
    batch: ['msrs', 'msr-filter', 'msr-exits', 'restore'],
    host: ['host-memory'],
    prefault: ['pre-fault'],
    init: ['init', 'rdmsr'],
    nested: ['nested-access', 'invept'],
    race: ['together'],
    devices: ['noncoherent'],
    mmio: ['memslot', 'delete-memslot'],
    gib: ['memslot', 'delete-memslot'],
    answers: ['ask'],
  }[subject];

  for (let n = 0; n < 20; n++)
    for (const step of randomScenario(SEED, n, [subject]).steps)
      expect(['access', 'memslot', ...own]).toContain(step.do);
});

describe.each(['A', 'E-6.12', 'E'])('under policy %s', (name) => {
  const policy = policies.get(name) as Policy;
  test.each([false, true])('what such a kernel does passes (legacy MMU: %s)', (legacy) => {
    const env = { ...environmentOf(policy), ...(legacy ? { params: { 'kvm.tdp_mmu': 'N' } } : {}) };
    for (const scenario of all.filter((one) => runsUnder(one, policy) && !(legacy && needsTdpMmu(one)))) {
      const recording = simulate(scenario, policy, legacy);
      const { mismatches } = judge(scenario, legacy ? asLegacy(recording) : recording, policy, env);
      expect(mismatches, scenario.name).toEqual([]);
    }
  });
});
