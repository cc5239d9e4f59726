import type { Table } from './table.js';

/** How many jobs are done at a time: of workers, those are counted that have brought a job to a result, each as it was last. */
export function slotsIn({ jobs, plan, slots }: Table): number {
  const workers = new Map<string, { at: number; slots: number }>();
  for (const { result } of jobs.values()) {
    if (result?.host === undefined) continue;
    const { host, at, slots: own = plan.campaign.limits.jobs } = result;
    if (at >= (workers.get(host)?.at ?? 0)) workers.set(host, { at, slots: own });
  }
  const inAll = [...workers.values()].reduce((sum, worker) => sum + worker.slots, 0);
  return slots ?? (inAll || plan.campaign.limits.jobs);
}
