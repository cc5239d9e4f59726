import { expect, test } from 'vitest';
import { CR0_AFTER_RESET, CR0_CACHE, CR0_LONG_MODE, cr0AfterInit, START_AFTER_INIT } from '../../arch/cr0.js';
import { findPolicy } from '../../memtype/index.js';
import { judgeInit } from './init-judge.js';

// Each row: the policy, CR0 that was seen after an INIT, how often that is wrong, and CR0 of the guest that goes on.
test.each([
  ['A', cr0AfterInit(CR0_LONG_MODE), 0, CR0_LONG_MODE],
  ['A', CR0_AFTER_RESET, 1, CR0_LONG_MODE],
  ['A-4.4', cr0AfterInit(CR0_LONG_MODE), 0, CR0_LONG_MODE],
  ['A-4.4', CR0_AFTER_RESET, 0, CR0_LONG_MODE | CR0_CACHE],
])('on policy %s CR0 %d after an INIT is wrong %d times', (name, value, faults, left) => {
  const told: string[] = [];
  const fail = (what: string): void => void told.push(what);
  const rules = findPolicy(name).msrs;

  const cr0 = judgeInit(
    { do: 'init', vcpu: 0 },
    { step: 0, value, start: START_AFTER_INIT },
    { cr0: CR0_LONG_MODE, rules, fail },
  );

  expect([told.length, cr0]).toEqual([faults, left]);
});
