import { expect, it } from 'vitest';
import { hashOf, IMAGE, planOfKernels } from '../../../../test/support/campaign.js';
import { estimate } from '../../../campaign/jobs/estimate.js';
import { Table } from '../../../campaign/jobs/table.js';
import { type CampaignRecord, firstRecord } from '../../../campaign/store/records.js';
import { planJson, planText, statusText } from './text.js';

const PLAN = planOfKernels(
  [IMAGE('a', '1')],
  'scenarios: none\nfuzz: {seeds: {from: 1, count: 9}, count: 10}\nprice: 60',
);
const JOBS = [...new Table([firstRecord(PLAN)]).jobs.keys()];

const session = (where: { slots?: number; queue?: string }): CampaignRecord => ({
  type: 'session',
  owner: '1-1-1',
  boot: 'b',
  at: 1,
  ...where,
});
const done = (job: number, more: { host?: string; slots?: number }): CampaignRecord => ({
  type: 'done',
  job: JOBS[job] as string,
  object: hashOf('2'),
  verdict: 'pass',
  seconds: 60,
  counts: { pass: 1, fail: 0, skip: 0, error: 0, timeout: 0 },
  digest: 'd',
  at: 2,
  ...more,
});
const status = (...records: CampaignRecord[]): string =>
  statusText({ number: 1, table: new Table([firstRecord(PLAN), ...records]) }, [], false);

it('a plan is for so many jobs at a time as are asked for, or as the file says', () => {
  const known = estimate(PLAN, []);

  expect(planText(PLAN, known)).toContain('9 jobs, about 5 min with 2 at a time, cost 4.50');
  expect(planText(PLAN, known, 9)).toContain('9 jobs, about 60 s with 9 at a time, cost 1.00');
});

it('a plan for a program names each job', () => {
  const { jobs, ...rest } = JSON.parse(planJson(PLAN, estimate(PLAN, [])));

  expect(rest).toEqual({ campaign: 'test', seconds: 270, known: 0 });
  expect(jobs).toHaveLength(9);
  expect(jobs[0]).toEqual({ title: 'seed 1 on a', kind: 'fuzz', kernel: 'a' });
});

it.each<[string, CampaignRecord[], string]>([
  ['as the file says', [session({}), done(0, {})], 'about 4 min left'],
  ['as was asked for', [session({ slots: 8 }), done(0, { slots: 8 })], 'about 60 s left'],
  [
    'as workers do',
    [session({ queue: 'q' }), done(0, { host: 'a', slots: 4 }), done(1, { host: 'b', slots: 3 })],
    'about 60 s left',
  ],
])('the time left is for so many jobs at a time: %s', (_, records, expected) => {
  expect(status(...records)).toContain(expected);
});
