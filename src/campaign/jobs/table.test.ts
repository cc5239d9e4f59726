import { describe, expect, it, test } from 'vitest';
import { BUILD, hashOf, IMAGE, planOfKernels } from '../../../test/support/campaign.js';
import { type CampaignRecord, firstRecord } from '../store/records.js';
import { type Job, jobId } from './job.js';
import type { Plan } from './plan.js';
import { Table } from './table.js';

const RUN: Job = {
  kind: 'run',
  kernel: 'a',
  image: hashOf('1'),
  engine: 'bochs',
  params: ['kvm.tdp_mmu=N', 'kvm_intel.ept=Y'],
  policy: 'auto',
  timeout: 300,
  scenarios: ['mtrr'],
  shard: [1, 1],
  repeat: 1,
  strict: false,
};

describe('the id of a job', () => {
  it('is the same for the same job, whatever its kernel is called', () => {
    const params = [...RUN.params].reverse();

    expect(jobId({ ...RUN, kernel: 'b', params }, 't')).toBe(jobId(RUN, 't'));
  });

  it.each<[string, Partial<typeof RUN>]>([
    ['kernel', { image: hashOf('2') }],
    ['parameters', { params: [] }],
    ['engine', { engine: 'qemu-tcg' }],
    ['scenarios', { scenarios: 'all' }],
    ['part', { shard: [1, 2] }],
    ['needs', { needs: 'numa' }],
  ])('is another for another %s', (_, change) => {
    expect(jobId({ ...RUN, ...change } as Job, 't')).not.toBe(jobId(RUN, 't'));
  });

  it('is another for random scenarios of another time', () => {
    const { scenarios: _, shard: __, repeat: ___, strict: ____, ...where } = RUN;
    const job: Job = { ...where, kind: 'fuzz', seed: 1, count: 10, subjects: [] };
    const ids = [job, { ...job, time: 30 }, { ...job, time: 60 }].map((one) => jobId(one, 't'));

    expect(new Set(ids).size).toBe(3);
  });

  it('is another for another program', () => {
    expect(jobId(RUN, '0.2.0')).not.toBe(jobId(RUN, '0.1.0'));
  });
});

const session = (boot = 'b1'): CampaignRecord => ({ type: 'session', owner: '1-1-1', boot, at: 1 });
const begin = (job: string): CampaignRecord => ({ type: 'begin', job, at: 2 });
const done = (job: string, digit: string, image?: string): CampaignRecord => ({
  type: 'done',
  job,
  object: hashOf(digit),
  verdict: 'pass',
  seconds: 1,
  counts: { pass: 1, fail: 0, skip: 0, error: 0, timeout: 0 },
  digest: digit,
  ...(image !== undefined && { image: { sha256: image } }),
  at: 3,
});
const tableOf = (plan: Plan, ...records: CampaignRecord[]): Table =>
  new Table([firstRecord(plan), ...records]);
const nextId = (table: Table): string => table.next(0)?.id ?? '';

describe('the table of jobs', () => {
  it('has the jobs of a kernel once it is built, and counts them before', () => {
    const table = tableOf(planOfKernels([BUILD('debian:6.1'), BUILD('debian:7.2')]), session());
    const build = nextId(table);

    expect(table.counts()).toMatchObject({ waiting: 2, unknown: 2 });
    table.take(begin(build));
    table.take(done(build, '1', hashOf('a')));
    expect(table.counts()).toEqual({ waiting: 2, running: 0, done: 1, lost: 0, unknown: 1 });
  });

  it('does once what two kernels of one image share', () => {
    const table = tableOf(planOfKernels([IMAGE('a', '1'), IMAGE('b', '1')]), session());

    expect(table.jobs.size).toBe(1);
    expect(table.kernels[0]?.cells[0]?.jobs[0]?.id).toBe(table.kernels[1]?.cells[0]?.jobs[0]?.id);
  });

  it('keeps the first result of a job that was done twice', () => {
    const table = tableOf(planOfKernels([IMAGE('a', '1')]), session());
    const id = nextId(table);
    for (const record of [begin(id), done(id, '1'), done(id, '2')]) table.take(record);

    expect(table.jobs.get(id)?.result?.object).toBe(hashOf('1'));
  });

  it('opens what ran when its process was killed, and blames no job for that', () => {
    const table = tableOf(planOfKernels([IMAGE('a', '1')]), session());
    const id = nextId(table);
    for (let i = 0; i < 10; i++) for (const record of [begin(id), session()]) table.take(record);

    expect(table.jobs.get(id)).toMatchObject({ state: 'waiting', losses: 0 });
  });

  it('sets a job aside under which the machine went down three times', () => {
    const table = tableOf(planOfKernels([IMAGE('a', '1')]), session('b0'));
    const id = nextId(table);
    for (const boot of ['b1', 'b2', 'b3'])
      for (const record of [begin(id), session(boot)]) table.take(record);

    expect(table.jobs.get(id)).toMatchObject({ state: 'lost', loss: { loss: 'host-lost' } });
  });

  it('a kernel that does not build keeps no other back', () => {
    const table = tableOf(planOfKernels([BUILD('debian:6.1'), IMAGE('b', '2')]), session());
    const build = nextId(table);
    table.take({ type: 'lost', job: build, loss: 'build', text: 'no', at: 3 });

    expect(table.next(0)?.job).toMatchObject({ kind: 'run', kernel: 'b' });
    expect(table.counts()).toMatchObject({ lost: 1, unknown: 0, waiting: 1 });
  });
});

test('records of jobs that the plan does not have are refused', () => {
  expect(() => tableOf(planOfKernels([IMAGE('a', '1')]), begin(hashOf('f')))).toThrow(/there is no job ffff/);
});
