import { expect, it } from 'vitest';
import { BUILD, IMAGE, planOfKernels } from '../../../test/support/campaign.js';
import { firstRecord } from '../store/records.js';
import { estimate } from './estimate.js';
import { likenessOf } from './likeness.js';
import type { Plan } from './plan.js';
import { cellsOf } from './plan.js';
import { Table } from './table.js';

const KERNEL = IMAGE('a', '1');
const planOf = (fuzz: string): Plan =>
  planOfKernels([KERNEL], `scenarios: none\nfuzz: {seeds: [1], ${fuzz}}`);

/** That the jobs of a plan took so long. */
const took = (plan: Plan, seconds: number) =>
  cellsOf(plan, KERNEL, null)
    .flatMap(({ jobs }) => jobs)
    .map(({ job }) => ({ likeness: likenessOf(job), count: 1, seconds }));

it('random scenarios by time take that much longer, where nothing is known', () => {
  const { seconds } = estimate(planOf('count: 10'), []);

  expect(estimate(planOf('time: 200'), []).seconds).toBe(seconds + 200);
});

it.each<[string, Plan, number]>([
  ['of kernels that are one image', planOfKernels([KERNEL, IMAGE('b', '1')]), 1],
  ['of a seed that is given twice', planOfKernels([KERNEL], 'fuzz: {seeds: [7, 7]}'), 2],
  ['of sets of the same parameters', planOfKernels([KERNEL], 'parameters: {a: [], b: []}'), 1],
  ['of kernels of one build', planOfKernels([BUILD('a'), { ...BUILD('a'), name: 'b' }]), 2],
  ['but not those of other builds', planOfKernels([BUILD('a'), BUILD('b')]), 4],
])('jobs that are shared count once: those %s', (_, plan, jobs) => {
  const counts = new Table([firstRecord(plan)]).counts();

  expect(estimate(plan, []).jobs).toBe(jobs);
  expect(counts.waiting + counts.unknown).toBe(jobs);
});

it('what random scenarios of another time took is not taken for that of these', () => {
  const known = [30, 300].flatMap((time) => took(planOf(`time: ${time}`), time * 2));

  expect(estimate(planOf('time: 300'), known)).toEqual({ jobs: 1, seconds: 600, known: 1 });
});
