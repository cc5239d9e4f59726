import { z } from 'zod';
import { sha256 } from '../jobs/job.js';
import { planSchema } from '../jobs/plan.js';

/** Raised when a record changes its meaning or goes. */
const JOURNAL_VERSION = 1;

const at = z.number().nonnegative();
const job = sha256;

/** Why a job came to no result, by what can be done about it. */
const LOSSES = ['host-lost', 'start', 'disk-full', 'image', 'build', 'machine', 'time', 'program'] as const;

/** Why a job came to no result. */
export const lossSchema = z.enum(LOSSES);

/** What a job that is done came to. */
const verdict = z.enum(['pass', 'fail', 'skip']);

const count = z.number().int().nonnegative();

/** How many results have each status. */
const statusCounts = z.strictObject({
  pass: count,
  fail: count,
  skip: count,
  error: count,
  timeout: count,
});

/** An image that a build made. */
const builtImage = z.strictObject({ sha256, release: z.string().optional() });

/** What a line of a campaign's journal may be, in the order in which things happened. */
export const campaignRecord = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('campaign'),
    schema: z.literal('kvm-memtype/campaign'),
    version: z.literal(JOURNAL_VERSION),
    plan: planSchema,
    at,
  }),
  /** A process takes the campaign on. */
  z.strictObject({
    type: z.literal('session'),
    /** ownProcessId() */
    owner: z.string(),
    /** Tells one boot of the machine from another. */
    boot: z.string(),
    /** Where the queue is that has its jobs, without what is secret. */
    queue: z.string().optional(),
    /** Jobs that it does at a time; absent where workers do them. */
    slots: z.int().positive().optional(),
    at,
  }),
  z.strictObject({ type: z.literal('begin'), job, at }),
  z.strictObject({
    type: z.literal('done'),
    job,
    /** Of the result. */
    object: sha256,
    verdict,
    seconds: z.number().nonnegative(),
    /** How many results have each status, so that a report need not read them all. */
    counts: statusCounts,
    /** Of what each scenario came to: another one of the same job says that the job is flaky. */
    digest: z.string(),
    image: builtImage.optional(),
    /** The machine that did it, where that is another one. */
    host: z.string().optional(),
    /** How many jobs that machine does at a time: what they cost they share. */
    slots: z.int().positive().optional(),
    /** What was observed, where it was kept. */
    recording: sha256.optional(),
    at,
  }),
  z.strictObject({
    type: z.literal('lost'),
    job,
    loss: lossSchema,
    text: z.string(),
    /** It is tried again, not before that time; absent if it is not. */
    again: at.optional(),
    at,
  }),
  z.strictObject({ type: z.literal('cancelled'), at }),
  z.strictObject({ type: z.literal('end'), at }),
]);

/** A line of a campaign's journal. */
export type CampaignRecord = z.infer<typeof campaignRecord>;
/** Why a job came to no result. */
export type Loss = (typeof LOSSES)[number];
/** What a job that is done came to. */
export type RunVerdict = z.infer<typeof verdict>;
/** How many results have each status. */
export type StatusCounts = z.infer<typeof statusCounts>;
/** What a job that is done left. */
export type Done = Extract<CampaignRecord, { type: 'done' }>;

/** The record that a journal begins with. */
export const firstRecord = (plan: z.infer<typeof planSchema>): CampaignRecord => ({
  type: 'campaign',
  schema: 'kvm-memtype/campaign',
  version: JOURNAL_VERSION,
  plan,
  at: Date.now(),
});
