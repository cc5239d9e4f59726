import { describe, expect, it } from 'vitest';
import { hashOf, runResultOf } from '../../../test/support/campaign.js';
import { scenarios } from '../../../test/support/results.js';
import type { Job } from '../jobs/job.js';
import { endOf, LABELS, labelOf, payloadSchema, replyOf, slotsIn, slotsOf } from './protocol.js';

const HOST = { host: 'host-1', seconds: 2, slots: 4 };
const JOB: Job = {
  kind: 'run',
  kernel: 'a',
  image: hashOf('1'),
  engine: 'bochs',
  params: [],
  policy: 'auto',
  timeout: 300,
  scenarios: 'all',
  shard: [1, 1],
  repeat: 1,
  strict: false,
};
const PAYLOAD = { run: '0123456789ab', job: JOB, objects: [hashOf('1')], timeoutMs: 1000, record: false };
const job = (change: object) => ({ ...PAYLOAD, job: { ...JOB, ...change } });

describe('what comes to a worker', () => {
  it('is taken if it is a job', () => {
    expect(payloadSchema.safeParse(PAYLOAD).success).toBe(true);
  });

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a field of no name', { ...PAYLOAD, command: 'rm' }],
    ['a field of a job of no name', job({ command: 'rm' })],
    ['a file that is no hash', { ...PAYLOAD, objects: ['../../etc/passwd'] }],
    ['an image by its path', job({ image: '/etc/passwd' })],
    ['more on the kernel’s command line', job({ params: ['kvm.tdp_mmu=N init=/bin/sh'] })],
    ['a parameter of another module', job({ params: ['nosuch.x=1'] })],
    ['a time without end', { ...PAYLOAD, timeoutMs: Number.POSITIVE_INFINITY }],
  ])('is refused: %s', (_, value) => {
    expect(payloadSchema.safeParse(value).success).toBe(false);
  });
});

describe('what comes back', () => {
  const result = runResultOf(scenarios.pass);
  const good = replyOf({ kind: 'result', result }, HOST);

  it('is the result, with who did it', () => {
    expect(endOf(JSON.parse(JSON.stringify(good)), JOB)).toMatchObject({
      kind: 'result',
      host: 'host-1',
      seconds: 2,
    });
  });

  it('is a loss with the host', () => {
    const reply = replyOf({ kind: 'lost', loss: 'disk-full', text: 'full', retry: true }, HOST);

    expect(endOf(reply, JOB)).toEqual({
      kind: 'lost',
      loss: 'disk-full',
      text: 'full (on host-1)',
      retry: true,
    });
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['data that is not packed', { ...good, end: { kind: 'result', data: 'aGVsbG8=' } }],
    [
      'a result of another kind of job',
      replyOf({ kind: 'result', result: { kind: 'build', image: hashOf('2'), label: 'x' } }, HOST),
    ],
    ['more fields', { ...good, more: 1 }],
  ])('is no result: %s', (_, value) => {
    expect(endOf(value, JOB)).toMatchObject({ kind: 'lost', loss: 'program', retry: true });
  });
});

it.each([
  [1, undefined, 1],
  [7, undefined, 1],
  [64, undefined, 16],
  [64, 3, 3],
])(
  'a worker of %i processors that is told %s slots does %i jobs of the lab at a time, and one on its own KVM',
  (processors, told, lab) => {
    expect(slotsOf(processors, told)).toEqual({ lab, vtx: 1, numa: 1 });
  },
);

it.each([
  [['vtx'] as const, 1],
  [['lab'] as const, 3],
  [['vtx', 'numa'] as const, 1],
  [LABELS, 4],
])('a worker of %j shares the slot of its own KVM: %i jobs in all', (labels, slots) => {
  expect(slotsIn(labels, slotsOf(12))).toBe(slots);
});

it.each([
  [JOB, 'lab'],
  [{ ...JOB, image: null, engine: 'host' as const }, 'vtx'],
  [{ ...JOB, image: null, engine: 'host' as const, needs: 'numa' as const }, 'numa'],
])('a job goes to the workers that have what it needs', (job, label) => {
  expect(labelOf(job as Job)).toBe(label);
});
