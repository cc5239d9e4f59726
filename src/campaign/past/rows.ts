import type { Job } from '../jobs/job.js';
import { type Likeness, likenessOf } from '../jobs/likeness.js';
import type { JobState, Table } from '../jobs/table.js';
import { type Outcome, type Outcomes, outcomesKey } from './outcomes.js';

/** A result of a run, as an index has it. */
interface ResultRow {
  kernel: string;
  /** Empty for a build. */
  variant: string;
  job: string;
  kind: Job['kind'];
  likeness: Likeness;
  /** Key of what it came to. */
  outcomes: string;
  object: string;
  seconds: number;
  /** Not the first row of its job: kernels that are one image share their jobs. */
  again: boolean;
}

/** What a run came to, as an index has it. */
export interface RunRows {
  results: ResultRow[];
  outcomes: ReadonlyMap<string, readonly Outcome[]>;
}

type NewRow = Omit<ResultRow, 'again'>;

function rowOf({ id, job, result }: JobState, kernel: string, variant: string): NewRow[] {
  if (result === undefined) return [];
  const { object, seconds } = result;
  const { kind } = job;
  const outcomes = outcomesKey(kind, result);
  return [{ kernel, variant, job: id, kind, likeness: likenessOf(job), outcomes, object, seconds }];
}

/**
 * What a run came to.
 * @throws CampaignError CAMPAIGN_OBJECT
 */
export function rowsOf(table: Table, outcomes: Outcomes): RunRows {
  const rows = table.kernels.flatMap(({ kernel, build, cells }) => [
    ...(build === undefined ? [] : rowOf(build, kernel.name, '')),
    ...cells.flatMap((cell) =>
      cell.jobs.flatMap(({ id }) => rowOf(table.jobs.get(id) as JobState, cell.kernel, cell.variant)),
    ),
  ]);
  const jobs = new Set<string>();
  const results = rows.map((row) => {
    const again = jobs.has(row.job);
    jobs.add(row.job);
    return { ...row, again };
  });
  const known = new Map<string, readonly Outcome[]>();
  for (const { kind, job, outcomes: key } of results) {
    const done = table.jobs.get(job)?.result;
    if (!known.has(key) && done !== undefined && kind !== 'build') known.set(key, outcomes.of(kind, done));
  }
  return { results, outcomes: known };
}
