import { mergeRuns, type Order } from '../../report/merge.js';
import type { Incomplete, ResultSet, RunResult, ScenarioResult } from '../../report/types.js';
import type { Job } from '../jobs/job.js';
import type { Cell } from '../jobs/plan.js';
import type { FuzzOutcome } from '../jobs/result.js';
import type { Table } from '../jobs/table.js';
import type { CampaignReport } from './model.js';
import type { Results } from './read.js';
import { jobsText } from './words.js';

type FuzzJob = Extract<Job, { kind: 'fuzz' }>;

/** What random scenarios are as results of a kernel: each find is one that failed; a seed without any is one. */
function asScenarios({ seed }: FuzzJob, outcome: FuzzOutcome): ScenarioResult[] {
  const { finds, passed, skip, durationMs } = outcome;
  if (finds.length > 0)
    return finds.map(({ found, result }) => ({
      ...result,
      family: 'fuzz',
      name: found.replace(/^fuzz\//, ''),
    }));
  const common = { family: 'fuzz', name: `seed-${seed}`, durationMs, failures: [], errata: [] };
  if (passed > 0) return [{ ...common, status: 'pass', checks: { scenarios: passed } }];
  return [{ ...common, status: 'skip', checks: {}, ...(skip && { skip }) }];
}

/** Random scenarios as a run of their own. */
const runOfFuzz = (job: FuzzJob, outcome: FuzzOutcome): RunResult[] => {
  const { tool, host, startedAt, durationMs, kernel } = outcome;
  if (kernel === undefined) return [];
  const { scope: _, planned: __, ...set } = kernel;
  const sets = [{ ...set, durationMs, scenarios: asScenarios(job, outcome) }];
  return [{ tool, ...(host && { host }), startedAt, durationMs, sets }];
};

const addScenarios = (run: RunResult, more: readonly RunResult[]): RunResult => {
  const [set] = run.sets as [ResultSet];
  const scenarios = [...set.scenarios, ...more.flatMap(({ sets }) => sets.flatMap((own) => own.scenarios))];
  return { ...run, sets: [{ ...set, scenarios }] };
};

/** Kernels that are one image share their jobs: each has its own name all the same. */
const named = (run: RunResult, name: string): RunResult => ({
  ...run,
  sets: run.sets.map((set) => ({ ...set, name })),
});

/** A cell's results as one run: its shards are merged, what random scenarios came to is added. */
function runOfCell(cell: Cell, table: Table, results: Results, order: Order): RunResult | undefined {
  const name = ['host', 'default'].includes(cell.variant) ? cell.kernel : `${cell.kernel},${cell.variant}`;
  const runs: RunResult[] = [];
  const fuzzes: RunResult[] = [];
  for (const { id, job } of cell.jobs) {
    const object = table.jobs.get(id)?.result?.object;
    const result = object === undefined ? undefined : results.read(object);
    if (result?.kind === 'run') runs.push(named(result.run, name));
    if (result?.kind === 'fuzz' && job.kind === 'fuzz') fuzzes.push(...runOfFuzz(job, result.fuzz));
  }
  if (runs.length > 0)
    return addScenarios(
      mergeRuns(
        runs.map((run, i) => ({ name: `part ${i + 1}`, run })),
        order,
      ),
      fuzzes,
    );
  const [first, ...others] = fuzzes;
  return first && addScenarios(named(first, name), others);
}

/** All results of a campaign as those of one run, one set for each cell. */
export function asRun(report: CampaignReport, table: Table, results: Results, order: Order): RunResult {
  const cells = table.kernels.flatMap((kernel) => kernel.cells);
  const runs = cells.flatMap((cell) => runOfCell(cell, table, results, order) ?? []);
  const { state, jobs, tool, startedAt, kernels } = report;
  const isWhole = state === 'complete' && jobs.open === 0 && jobs.lost === 0;
  const incomplete: Incomplete = {
    reason: state === 'cancelled' ? 'interrupted' : 'unfinished',
    text: `the campaign is not complete: ${jobsText(report)}`,
  };
  const [version = '', revision] = tool.split(' ');
  const planned = kernels.flatMap((kernel) => kernel.cells.filter((cell) => cell.state !== 'none')).length;
  return {
    tool: { name: 'kvm-memtype', version, ...(revision !== undefined && { revision }) },
    ...(runs[0]?.host && { host: runs[0].host }),
    startedAt: new Date(startedAt).toISOString(),
    durationMs: runs.reduce((sum, run) => sum + run.durationMs, 0),
    sets: runs.flatMap(({ sets }) => sets),
    planned,
    ...(isWhole ? {} : { incomplete }),
  };
}
