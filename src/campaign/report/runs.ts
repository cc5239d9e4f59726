import { mergeRuns, type Order } from '../../report/merge.js';
import type { Incomplete, ResultSet, RunResult, ScenarioResult } from '../../report/types.js';
import type { Job } from '../jobs/job.js';
import type { Cell } from '../jobs/plan.js';
import type { FuzzOutcome } from '../jobs/result.js';
import type { Table } from '../jobs/table.js';
import type { Done } from '../store/records.js';
import type { CampaignReport } from './model.js';
import type { Results } from './read.js';
import { jobsText } from './words.js';

type FuzzJob = Extract<Job, { kind: 'fuzz' }>;

const ofSeed = ({ seed }: FuzzJob, { seconds }: Done) => ({
  family: 'fuzz',
  name: `seed-${seed}`,
  durationMs: Math.round(seconds * 1000),
  failures: [],
  errata: [],
});

/** A seed without any find, as a scenario that passed: what is known of it without its result. */
const passedSeed = (job: FuzzJob, done: Done): ScenarioResult => ({
  ...ofSeed(job, done),
  status: 'pass',
  checks: { scenarios: done.counts.pass },
});

/** What random scenarios are as results of a kernel: each find is one that failed; a seed without any is one. */
function asScenarios(job: FuzzJob, done: Done, { finds, skip }: FuzzOutcome): ScenarioResult[] {
  if (done.verdict === 'pass') return [passedSeed(job, done)];
  if (finds.length === 0)
    return [{ ...ofSeed(job, done), status: 'skip', checks: {}, ...(skip && { skip }) }];
  return finds.map(({ found, result }) => ({
    ...result,
    family: 'fuzz',
    name: found.replace(/^fuzz\//, ''),
  }));
}

/** Random scenarios as a run of their own. */
function runOfFuzz(outcome: FuzzOutcome, scenarios: ScenarioResult[]): RunResult | undefined {
  const { tool, host, startedAt, durationMs, kernel } = outcome;
  if (kernel === undefined) return undefined;
  const { scope: _, planned: __, ...set } = kernel;
  return { tool, ...(host && { host }), startedAt, durationMs, sets: [{ ...set, durationMs, scenarios }] };
}

const addScenarios = (run: RunResult, more: readonly ScenarioResult[]): RunResult => {
  const [set] = run.sets as [ResultSet];
  return { ...run, sets: [{ ...set, scenarios: [...set.scenarios, ...more] }] };
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
  let ofFuzz: RunResult | undefined;
  const random: ScenarioResult[] = [];
  for (const { id, job } of cell.jobs) {
    const done = table.jobs.get(id)?.result;
    if (done === undefined) continue;
    // What the kernel was is known by now: results of seeds that passed tell nothing more, and there are very many.
    const isKnown = runs.length > 0 || ofFuzz !== undefined;
    if (job.kind === 'fuzz' && done.verdict === 'pass' && isKnown) {
      random.push(passedSeed(job, done));
      continue;
    }
    const result = results.read(done.object);
    if (result.kind === 'run') runs.push(named(result.run, name));
    if (result.kind !== 'fuzz' || job.kind !== 'fuzz' || result.fuzz.kernel === undefined) continue;
    random.push(...asScenarios(job, done, result.fuzz));
    ofFuzz ??= runOfFuzz(result.fuzz, []);
  }
  const parts = runs.map((run, i) => ({ name: `part ${i + 1}`, run }));
  const whole = parts.length > 0 ? mergeRuns(parts, order) : ofFuzz && named(ofFuzz, name);
  return whole && addScenarios(whole, random);
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
