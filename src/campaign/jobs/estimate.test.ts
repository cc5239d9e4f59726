import { expect, it } from 'vitest';
import { IMAGE, planOfKernels } from '../../../test/support/campaign.js';
import { estimate } from './estimate.js';
import { likenessOf } from './likeness.js';
import type { Plan } from './plan.js';
import { cellsOf } from './plan.js';

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

it('what random scenarios of another time took is not taken for that of these', () => {
  const known = [30, 300].flatMap((time) => took(planOf(`time: ${time}`), time * 2));

  expect(estimate(planOf('time: 300'), known)).toEqual({ jobs: 1, seconds: 600, known: 1 });
});
