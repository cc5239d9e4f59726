import { createHash } from 'node:crypto';
import { z } from 'zod';
import { resultSet, runResult, scenarioResult } from '../../report/schema.js';
import { exitStatus, summarize } from '../../report/summary.js';
import type { RunVerdict, StatusCounts } from '../store/records.js';
import { jobSchema, sha256 } from './job.js';

const count = z.number().int().nonnegative();

const find = z.strictObject({
  kind: z.string(),
  times: count,
  /** The scenario that was found: its seed and number are in its name. */
  found: z.string(),
  /** The simplest that fails in the same way, as a file. */
  scenario: z.string(),
  result: scenarioResult,
});

/** What the kernel was, as results of scenarios tell it. */
const setHeader = resultSet.omit({
  scenarios: true,
  durationMs: true,
  coverage: true,
  crashed: true,
  incomplete: true,
});

const fuzzResult = z.strictObject({
  tool: runResult.shape.tool,
  host: runResult.shape.host,
  startedAt: z.iso.datetime(),
  durationMs: z.number().nonnegative(),
  policy: z.string(),
  kernel: setHeader.optional(),
  tried: count,
  passed: count,
  skipped: count,
  skip: scenarioResult.shape.skip,
  finds: z.array(find),
});

/** What a job gave. */
export const jobResult = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('build'),
    image: sha256,
    release: z.string().optional(),
    label: z.string(),
  }),
  z.strictObject({ kind: z.literal('run'), run: runResult, recording: sha256.optional() }),
  z.strictObject({ kind: z.literal('fuzz'), fuzz: fuzzResult }),
]);

/** What a job gave. */
export type JobResult = z.infer<typeof jobResult>;
/** What random scenarios of one seed came to. */
export type FuzzOutcome = z.infer<typeof fuzzResult>;

/** What the process of a job is told. */
export const orderSchema = z.strictObject({
  job: jobSchema,
  /** Folder of the objects that the job names. */
  objects: z.string(),
  /** Where it may write while it runs. */
  scratch: z.string(),
  /** Keep what was observed where something fails. */
  record: z.boolean(),
});

/** What the process of a job is told. */
export type Order = z.infer<typeof orderSchema>;

/** A line that the process of a job prints. */
export const lineSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('progress'), done: count, total: count }),
  z.strictObject({ type: z.literal('result'), result: jobResult }),
  z.strictObject({ type: z.literal('error'), code: z.string(), text: z.string() }),
]);

/** A line that the process of a job prints. */
export type JobLine = z.infer<typeof lineSchema>;

const VERDICTS: Readonly<Record<number, RunVerdict>> = { 0: 'pass', 1: 'fail', 4: 'skip' };

/** What a result comes to. A check that fails is a result like any other. */
export function verdictOf(result: JobResult): RunVerdict {
  if (result.kind === 'build') return 'pass';
  if (result.kind === 'run') return VERDICTS[exitStatus(result.run)] as RunVerdict;
  const { finds, passed } = result.fuzz;
  if (finds.length > 0) return 'fail';
  return passed > 0 ? 'pass' : 'skip';
}

const NONE: StatusCounts = { pass: 0, fail: 0, skip: 0, error: 0, timeout: 0 };

/** How many results have each status. */
export function countsOf(result: JobResult): StatusCounts {
  if (result.kind === 'build') return NONE;
  if (result.kind === 'run') return summarize(result.run.sets).counts;
  const { tried, passed, skipped } = result.fuzz;
  return { ...NONE, pass: passed, skip: skipped, fail: tried - passed - skipped };
}

/** What each part of a result came to, in a short text: the same job gives the same one, unless it is flaky. */
export function digestOf(result: JobResult): string {
  const parts =
    result.kind === 'build'
      ? [result.image]
      : result.kind === 'fuzz'
        ? result.fuzz.finds.map(({ kind, found }) => `${kind} ${found}`)
        : result.run.sets.flatMap(({ scenarios, crashed }) => [
            ...scenarios.map(({ family, name, repeat, status }) => `${family}/${name} ${repeat} ${status}`),
            ...(crashed === undefined ? [] : [crashed.kind]),
          ]);
  return createHash('sha256').update(parts.sort().join('\n')).digest('hex').slice(0, 16);
}
