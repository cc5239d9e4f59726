import { expect, test } from 'vitest';
import { MT } from '../arch/memory-types.js';
import { catalogue } from '../catalogue/index.js';
import { findPolicy } from '../memtype/index.js';
import { memslot, mib, mtrrs, noncoherent, scenario, together, touch } from '../scenario/builder.js';
import type { Scenario, Step } from '../scenario/types.js';
import { planOf } from './plan.js';

const ofSteps = (...steps: readonly (Step | readonly Step[])[]): Scenario =>
  scenario('test/plan', 'Steps', { vcpus: 2, needs: ['ept-leaves', 'noncoherent', 'tdp-mmu'] }, steps);

const changes = (one: Scenario, policy: string) =>
  planOf(one, findPolicy(policy)).steps.map(({ leaves }) =>
    leaves.map(({ gfn, count, level, text }) => `${gfn.toString(16)} ${count} ${level} ${text ?? 'none'}`),
  );

test('each step tells which leaves come and go, neighbours together', () => {
  const pages = [0n, 0x1000n].map((at) => touch(mib(4) + at));
  const steps = ofSteps(pages, noncoherent(true), touch(mib(4)));

  expect(changes(steps, '7.2')).toEqual([
    ['400 1 1 WB IPAT 1'],
    ['401 1 1 WB IPAT 1'],
    ['400 2 1 none'],
    ['400 1 1 WB IPAT 0'],
  ]);
  expect(changes(steps, '6.1').slice(2)).toEqual([[], []]);
});

test('what comes of steps at the same time are all alternatives; the next access leaves those that map', () => {
  const race = together(1, touch(mib(4)), noncoherent(true));
  const steps = ofSteps(race, touch(mib(4)), noncoherent(false));

  expect(changes(steps, '7.2')).toEqual([
    ['400 1 1 WB IPAT 0|none'],
    ['400 1 1 WB IPAT 0'],
    ['400 1 1 none'],
  ]);
});

test('types by MTRRs are those of the vCPU that faults', () => {
  const steps = ofSteps(noncoherent(true), mtrrs({ def: MT.WT, vcpu: 1 }), touch(mib(4), { vcpu: 1 }));

  expect(changes(steps, '6.1').at(-1)).toEqual(['400 1 1 WT IPAT 0']);
});

test('huge memory is mapped by huge leaves', () => {
  const slot = memslot(1, mib(64), 1024, 'huge-ram');

  expect(changes(ofSteps(slot, touch(mib(65))), '7.2').at(-1)).toEqual(['4000 1 2 WB IPAT 1']);
});

test('a parameter that the leaves depend on is named', () => {
  const logged = catalogue.find(({ name }) => name === 'dirty/log') as Scenario;
  const plain = catalogue.find(({ name }) => name === 'ram/default') as Scenario;

  expect(planOf(logged, findPolicy('7.2')).assumptions.map(({ name }) => name)).toContain('pml');
  expect(planOf(plain, findPolicy('7.2')).assumptions.map(({ name }) => name)).not.toContain('pml');
});
