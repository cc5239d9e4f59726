import type { CampaignReport, CellState } from '../report/model.js';
import { family } from './prometheus.js';

const STATES: readonly CellState[] = ['fail', 'lost', 'open', 'pass', 'skip'];

/** How a campaign stands, for Prometheus (text format 0.0.4). */
export function renderMetrics(report: CampaignReport): string {
  const { name: campaign, jobs, kernels, failures, flaky, finds } = report;
  const cells = kernels.flatMap((kernel) => kernel.cells.map(({ state }) => state));
  const own = { campaign };
  return `${[
    family('kvm_memtype_campaign_jobs', 'Jobs of the last run, by state.', [
      [{ ...own, state: 'done' }, jobs.done],
      [{ ...own, state: 'open' }, jobs.open],
      [{ ...own, state: 'lost' }, jobs.lost],
    ]),
    family(
      'kvm_memtype_campaign_cells',
      'Kernels by sets of parameters, by what they came to.',
      STATES.map((state) => [{ ...own, state }, cells.filter((one) => one === state).length]),
    ),
    family('kvm_memtype_campaign_failures', 'Scenarios that failed.', [
      [{ ...own, new: true }, failures.filter(({ isNew }) => isNew).length],
      [{ ...own, new: false }, failures.filter(({ isNew }) => !isNew).length],
    ]),
    family('kvm_memtype_campaign_flaky', 'Scenarios that gave different results for one job.', [
      [own, flaky.length],
    ]),
    family('kvm_memtype_campaign_finds', 'Random scenarios that failed, each sort once.', [
      [own, finds.length],
    ]),
    family(
      'kvm_memtype_campaign_seconds',
      'Time that the jobs of a kernel took.',
      kernels.map(({ name: kernel, seconds }) => [{ ...own, kernel }, seconds]),
    ),
  ].join('\n')}\n`;
}
