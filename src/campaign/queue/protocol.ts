import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { MOST_LANES } from '../../session/lanes.js';
import { type Job, jobSchema, sha256 } from '../jobs/job.js';
import { type JobResult, jobResult } from '../jobs/result.js';
import type { Table } from '../jobs/table.js';
import type { JobEnd } from '../run/child.js';
import { lossSchema } from '../store/records.js';

// What a coordinator and its workers say to each other through the queue. All of it is checked on arrival.

/**
 * What a worker must have for a job, and where it does it: `vtx` is KVM on the machine itself, `numa` the same with several NUMA nodes, `lab`
 * all that builds and boots kernels.
 */
const PLACES = { vtx: 'host', lab: 'lab', numa: 'host' } as const;
/** What a worker must have for a job. */
export type Label = keyof typeof PLACES;
/** All labels. */
export const LABELS = Object.keys(PLACES) as readonly Label[];

/** Something of each label. */
export const byLabel = <T>(of: (label: Label) => T): Record<Label, T> =>
  Object.fromEntries(LABELS.map((label) => [label, of(label)])) as Record<Label, T>;

/** Where jobs of these labels are done, each place once. */
export const placesOf = (labels: readonly Label[]): ('host' | 'lab')[] => [
  ...new Set(labels.map((label) => PLACES[label])),
];

/** The labels whose jobs are done on the machine's own KVM. */
export const onHost = (labels: readonly Label[]): Label[] =>
  labels.filter((label) => PLACES[label] === 'host');

/**
 * How many jobs of each label a machine does at a time: as many of the lab as it has processors for, and one on its own KVM, since two there
 * would see each other's warnings in the kernel's log.
 */
export const slotsOf = (processors: number, lab?: number): Record<Label, number> => {
  const slots = { host: 1, lab: lab ?? Math.max(1, Math.floor(processors / MOST_LANES)) };
  return byLabel((label) => slots[PLACES[label]]);
};

/** How many jobs a machine does at a time: labels of one place share its slots. */
export const slotsIn = (labels: readonly Label[], slots: Readonly<Record<Label, number>>): number =>
  [...new Map(labels.map((label) => [PLACES[label], slots[label]])).values()].reduce((a, b) => a + b, 0);

export const labelOf = (job: Job): Label =>
  job.kind !== 'build' && job.engine === 'host' ? (job.needs ?? 'vtx') : 'lab';

const short = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

/** The queue of a label. A worker of another version has other queues: it gets no job that it would do otherwise. */
export const queueName = (label: Label, tool: string): string => `kvm-memtype-${label}-${short(tool)}`;

/** Tells the runs of campaigns apart: each run does its jobs anew. */
export const runKey = ({ plan, startedAt }: Table): string => short(`${plan.campaign.campaign} ${startedAt}`);

/** What a job is in the queue. */
export const payloadSchema = z.strictObject({
  run: z.string().regex(/^[0-9a-f]{12}$/),
  job: jobSchema,
  /** Files that it needs. */
  objects: z.array(sha256),
  timeoutMs: z.int().positive(),
  record: z.boolean(),
});

/** What a job is in the queue. */
export type Payload = z.infer<typeof payloadSchema>;

const reply = z.strictObject({
  host: z.string().max(200),
  seconds: z.number().nonnegative(),
  /** Jobs that the machine does at a time. */
  slots: z.int().positive(),
  end: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('result'), data: z.string().max(64 << 20) }),
    z.strictObject({ kind: z.literal('lost'), loss: lossSchema, text: z.string(), retry: z.boolean() }),
  ]),
});

/** What a worker gives back. */
export type Reply = z.infer<typeof reply>;

const MOST_JSON = 256 << 20;

/** How a job ended, as a worker gives it back. */
export function replyOf(end: JobEnd, where: Omit<Reply, 'end'>): Reply {
  // PostgreSQL has no text with a NUL in it.
  if (end.kind === 'lost') return { ...where, end: { ...end, text: end.text.replaceAll('\0', '') } };
  const data = gzipSync(JSON.stringify(end.result)).toString('base64');
  return { ...where, end: { kind: 'result', data } };
}

function resultIn(data: string): JobResult | undefined {
  try {
    const text = gunzipSync(Buffer.from(data, 'base64'), { maxOutputLength: MOST_JSON }).toString();
    return jobResult.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** How a job ended, by what a worker gave back. */
export function endOf(value: unknown, job: Job): JobEnd {
  const bad: JobEnd = {
    kind: 'lost',
    loss: 'program',
    text: 'a worker gave back what is no result',
    retry: true,
  };
  const { data } = reply.safeParse(value);
  if (data === undefined) return bad;
  const { end, host, seconds, slots } = data;
  if (end.kind === 'lost') return { ...end, text: `${end.text} (on ${host})` };
  const result = resultIn(end.data);
  return result?.kind === job.kind ? { kind: 'result', result, host, seconds, slots } : bad;
}

/** The files that a job needs. */
export function objectsOf(job: Job): string[] {
  if (job.kind === 'build') return [...job.patches, ...job.configs].map((file) => file.sha256);
  return job.image === null ? [] : [job.image];
}

/** The files that a result is of, beside itself. */
export function objectsIn(result: JobResult): string[] {
  if (result.kind === 'build') return [result.image];
  return result.kind === 'run' && result.recording !== undefined ? [result.recording] : [];
}
