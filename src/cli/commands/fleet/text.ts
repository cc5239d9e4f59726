import { type Estimate, estimate, plannedJobs, type Took, tookOf } from '../../../campaign/jobs/estimate.js';
import { jobTitle } from '../../../campaign/jobs/job.js';
import { slotsIn } from '../../../campaign/jobs/machines.js';
import { columnsOf, type Plan, type PlannedKernel } from '../../../campaign/jobs/plan.js';
import type { Table } from '../../../campaign/jobs/table.js';
import { counted, durationText } from '../../../campaign/report/words.js';
import { isUnderWay, type SavedRun } from '../../../campaign/store/folder.js';
import { safeText } from '../../../text/safe.js';

function kernelText({ name, from }: PlannedKernel): string {
  if (from.kind === 'host') return `  ${name}`;
  if (from.kind === 'image') return `  ${name}: image ${from.sha256.slice(0, 12)}`;
  const patches = from.patches.length === 0 ? '' : ` with ${from.patches.length} patches`;
  const at = from.commit === undefined ? '' : ` at ${from.commit.slice(0, 12)}`;
  return `  ${name}: built from ${from.source}${at}${patches}`;
}

/** How much each seed gives. */
const fuzzText = ({ count, time }: NonNullable<Plan['campaign']['fuzz']>): string =>
  time === undefined ? `${count} each` : `${durationText(time)} of their machine each, ${count} at most`;

/**
 * What a campaign will do, for people.
 * @param slots jobs at a time
 */
export function planText(
  plan: Plan,
  { jobs, seconds, known }: Estimate,
  slots = plan.campaign.limits.jobs,
): string {
  const { campaign, kernels } = plan;
  const { scenarios, shards, repeat, fuzz, price } = campaign;
  const what = typeof scenarios === 'string' ? scenarios : scenarios.join(' ');
  const wall = seconds / slots;
  const cost = price === undefined ? '' : `, cost ${((wall / 3600) * price).toFixed(2)}`;
  return `${[
    `${campaign.campaign}: ${counted(jobs, 'job')}, about ${durationText(wall)} with ${slots} at a time${cost}`,
    `  (${known} of them by how long their like took before)`,
    `${counted(kernels.length, 'kernel')}:`,
    ...kernels.map(kernelText),
    `each as: ${columnsOf(plan).join(', ')}`,
    ...(scenarios === 'none'
      ? []
      : [`scenarios: ${what}, in ${counted(shards, 'part')}, ${counted(repeat, 'time')}`]),
    ...(fuzz === undefined
      ? []
      : [`random scenarios: ${counted(fuzz.seeds.length, 'seed')} of ${fuzzText(fuzz)}`]),
  ].join('\n')}\n`;
}

/**
 * The same for a program, with each job. Those of a kernel that is not built yet have other ids once its image is known.
 * @param slots jobs at a time
 */
export function planJson(
  plan: Plan,
  { seconds, known }: Estimate,
  slots = plan.campaign.limits.jobs,
): string {
  const jobs = plannedJobs(plan).map(({ job }) => ({
    title: jobTitle(job),
    kind: job.kind,
    kernel: job.kernel,
  }));
  return `${JSON.stringify({ campaign: plan.campaign.campaign, seconds: Math.round(seconds / slots), known, jobs })}\n`;
}

/** How long what is open will take, by what is done and by earlier runs. */
function secondsLeft(table: Table, earlier: readonly Took[]): number {
  const { seconds, jobs } = estimate(table.plan, [...earlier, ...tookOf([table])]);
  const { waiting, running, unknown } = table.counts();
  return jobs === 0 ? 0 : ((seconds / jobs) * (waiting + running + unknown)) / slotsIn(table);
}

/** How far a run is. */
export function statusText({ number, table }: SavedRun, earlier: readonly Took[], asJson: boolean): string {
  const runs = isUnderWay(table);
  const state = table.state === 'open' ? (runs ? 'running' : 'stopped') : table.state;
  const jobs = table.counts();
  const running = [...table.jobs.values()].filter((job) => runs && job.state === 'running');
  const left = Math.round(secondsLeft(table, earlier));
  const name = table.plan.campaign.campaign;
  if (asJson)
    return `${JSON.stringify({ campaign: name, run: number, state, jobs, running: running.map(({ job }) => jobTitle(job)), secondsLeft: left })}\n`;
  const { done, lost, waiting, unknown } = jobs;
  const open = waiting + unknown + jobs.running;
  const lines = [
    `${name}, run ${number}: ${state}; ${done} of ${counted(done + lost + open, 'job')} done${lost > 0 ? `, ${lost} without a result` : ''}`,
    ...(table.state === 'open' && open > 0 ? [`about ${durationText(left)} left`] : []),
    ...running.map(
      ({ job, begun = 0 }) => `  ${jobTitle(job)}, for ${durationText((Date.now() - begun) / 1000)}`,
    ),
  ];
  return safeText(`${lines.join('\n')}\n`);
}
