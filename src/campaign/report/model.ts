import { isBad } from '../../report/summary.js';
import type { ScenarioResult } from '../../report/types.js';
import { jobTitle } from '../jobs/job.js';
import { type Cell, columnsOf } from '../jobs/plan.js';
import type { JobState, KernelState, Table } from '../jobs/table.js';
import type { Tell } from '../past/left-out.js';
import { Outcomes } from '../past/outcomes.js';
import { type Past, placeOf, statusesOf } from '../past/past.js';
import { LOSS_WORDS } from '../run/losses.js';
import type { Done, StatusCounts } from '../store/records.js';
import { type FindGroup, findsOf } from './finds.js';
import { type Flaky, flakyOf } from './flaky.js';
import type { Results } from './read.js';

/** What a cell of the matrix comes to; `open` and `lost` have no whole result, `none` has no jobs. */
export type CellState = 'fail' | 'lost' | 'open' | 'pass' | 'skip' | 'none';

/** One kernel in one variant. */
export interface CellReport {
  variant: string;
  state: CellState;
  counts: StatusCounts;
}

/** One kernel. */
export interface KernelReport {
  name: string;
  release: string | undefined;
  image: string | undefined;
  /** Why there is no image. */
  problem: string | undefined;
  cells: readonly CellReport[];
  /** Of its jobs, its build included. */
  seconds: number;
  /** Of machines: jobs that run on one at the same time share it. */
  machineSeconds: number;
}

/** A scenario that failed, and where. */
export interface FailureReport {
  kernel: string;
  variant: string;
  result: ScenarioResult;
  /** It did not fail in the run before. */
  isNew: boolean;
}

/** A job that came to no result. */
interface LostJob {
  title: string;
  why: string;
}

/** What a run of a campaign came to. */
export interface CampaignReport {
  name: string;
  number: number;
  tool: string;
  state: 'complete' | 'cancelled' | 'not over';
  startedAt: number;
  endedAt: number | undefined;
  jobs: { done: number; open: number; lost: number };
  variants: readonly string[];
  kernels: readonly KernelReport[];
  failures: readonly FailureReport[];
  /** What failed in the run before, and passes now: `kernel, variant: scenario`. */
  fixed: readonly string[];
  flaky: readonly Flaky[];
  finds: readonly FindGroup[];
  lost: readonly LostJob[];
  price: number | undefined;
}

/** The results of a cell's scenarios that failed, its random ones aside: no others are read. */
function failedIn(cell: Cell, table: Table, results: Results): ScenarioResult[] {
  return cell.jobs.flatMap(({ id, job }) => {
    const done = job.kind === 'run' ? table.jobs.get(id)?.result : undefined;
    const result = done?.verdict === 'fail' ? results.read(done.object) : undefined;
    if (result?.kind !== 'run') return [];
    return result.run.sets.flatMap(({ scenarios }) => scenarios.filter(({ status }) => isBad(status)));
  });
}

const addCounts = (a: StatusCounts, b: StatusCounts): StatusCounts => ({
  pass: a.pass + b.pass,
  fail: a.fail + b.fail,
  skip: a.skip + b.skip,
  error: a.error + b.error,
  timeout: a.timeout + b.timeout,
});
const NONE: StatusCounts = { pass: 0, fail: 0, skip: 0, error: 0, timeout: 0 };

function cellReport({ variant, jobs }: Cell, table: Table): CellReport {
  const states = jobs.map(({ id }) => table.jobs.get(id) as JobState);
  const counts = states.reduce((sum, { result }) => (result ? addCounts(sum, result.counts) : sum), NONE);
  const has = (wanted: (job: JobState) => boolean): boolean => states.some(wanted);
  const state = has(({ result }) => result?.verdict === 'fail')
    ? 'fail'
    : has(({ state }) => state === 'lost')
      ? 'lost'
      : has(({ state }) => state !== 'done')
        ? 'open'
        : has(({ result }) => result?.verdict === 'pass')
          ? 'pass'
          : 'skip';
  return { variant, state: states.length === 0 ? 'none' : state, counts };
}

function kernelReport(
  { kernel, build, image, cells }: KernelState,
  variants: readonly string[],
  table: Table,
): KernelReport {
  const known = new Map(cells.map((cell) => [cell.variant, cellReport(cell, table)]));
  const isLost = build?.state === 'lost';
  const missing = kernel.from.kind !== 'host' && image === undefined ? (isLost ? 'lost' : 'open') : 'none';
  const cellOf = (variant: string): CellReport =>
    known.get(variant) ?? { variant, state: variant === 'host' ? 'none' : missing, counts: NONE };
  const jobs = [...(build ? [build.id] : []), ...cells.flatMap((cell) => cell.jobs.map(({ id }) => id))];
  const results = jobs.flatMap((id) => table.jobs.get(id)?.result ?? []);
  const { limits } = table.plan.campaign;
  const sum = (of: (done: Done) => number): number => results.reduce((total, done) => total + of(done), 0);
  return {
    name: kernel.name,
    release: image?.release,
    image: image?.sha256,
    problem: isLost ? problemOf(build) : undefined,
    cells: variants.map(cellOf),
    seconds: sum(({ seconds }) => seconds),
    machineSeconds: sum(({ seconds, slots = limits.jobs }) => seconds / slots),
  };
}

const problemOf = ({ loss, losses, job }: JobState): string => {
  const { loss: kind, text } = loss ?? { loss: 'program' as const, text: 'it is not known why' };
  const tries = losses > 1 ? ` ${losses} times; set aside` : '';
  return `${kind === 'build' && job.kind === 'build' ? 'it does not build' : LOSS_WORDS[kind]}${tries}: ${text}`;
};

function failuresOf(table: Table, results: Results, before: Past['before']): FailureReport[] {
  return table.kernels.flatMap(({ cells }) =>
    cells.flatMap((cell) =>
      failedIn(cell, table, results).map((result) => {
        const { kernel, variant } = cell;
        const old = before?.get(placeOf(kernel, variant, `${result.family}/${result.name}`));
        return { kernel, variant, result, isNew: old !== undefined && !isBad(old) };
      }),
    ),
  );
}

function fixedOf(table: Table, outcomes: Outcomes, before: Past['before']): string[] {
  if (before === undefined) return [];
  const now = statusesOf(table, outcomes);
  return [...before].flatMap(([place, status]) =>
    isBad(status) && now.get(place) === 'pass' ? [place] : [],
  );
}

/**
 * What a run of a campaign came to.
 * @param past what the runs before it came to: what is new and what is flaky is held against that
 * @param tell told of results of earlier runs that cannot be read
 * @throws CampaignError CAMPAIGN_OBJECT if one of its own cannot be read
 */
export function reportOf(
  { number, table }: { number: number; table: Table },
  past: Past,
  results: Results,
  tell: Tell,
): CampaignReport {
  const { plan, state, startedAt, endedAt } = table;
  const { campaign: name, price } = plan.campaign;
  const variants = columnsOf(plan);
  const outcomes = new Outcomes(results);
  const { done, lost, waiting, running, unknown } = table.counts();
  return {
    name,
    number,
    tool: plan.tool,
    state: state === 'open' ? 'not over' : state === 'cancelled' ? 'cancelled' : 'complete',
    startedAt,
    endedAt,
    jobs: { done, lost, open: waiting + running + unknown },
    variants,
    kernels: table.kernels.map((kernel) => kernelReport(kernel, variants, table)),
    failures: failuresOf(table, results, past.before),
    fixed: fixedOf(table, outcomes, past.before),
    flaky: flakyOf(table, { past, outcomes, results, tell }),
    finds: findsOf(table, results),
    lost: [...table.jobs.values()]
      // A kernel that was not built is told of in its row.
      .filter((job) => job.state === 'lost' && job.job.kind !== 'build')
      .map((job) => ({ title: jobTitle(job.job), why: problemOf(job) })),
    price,
  };
}

/** The exit status of a campaign: 1 if a check failed or a job has no result, 4 if all was skipped. */
export function statusOf({ kernels, state, jobs }: CampaignReport): 0 | 1 | 4 {
  const states = kernels.flatMap(({ cells }) => cells.map((cell) => cell.state));
  if (state !== 'complete' || jobs.open > 0 || jobs.lost > 0 || states.includes('fail')) return 1;
  return states.includes('pass') ? 0 : 4;
}
