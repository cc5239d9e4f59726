import type { JobState, Table } from './table.js';

/** A machine that does jobs of a campaign. */
export interface JobHost {
  /** Undefined for the one on which the campaign itself runs. */
  name: string | undefined;
  /** Jobs that came to a result there. */
  done: number;
  /** Jobs that it does at a time. */
  slots: number;
  /** The last of them, and when that was done. */
  last: { job: JobState; at: number };
}

/** The machines that jobs came to a result on, by their names. */
export function machinesOf({ jobs, plan }: Table): JobHost[] {
  const machines = new Map<string | undefined, JobHost>();
  for (const job of jobs.values()) {
    if (job.result === undefined) continue;
    const { host: name, at, slots = plan.campaign.limits.jobs } = job.result;
    const known = machines.get(name);
    const isLast = known === undefined || at >= known.last.at;
    const last = isLast ? { job, at } : known.last;
    machines.set(name, { name, done: (known?.done ?? 0) + 1, slots: isLast ? slots : known.slots, last });
  }
  return [...machines.values()].sort((a, b) => (a.name ?? '').localeCompare(b.name ?? ''));
}

/** How many jobs are done at a time: of workers, those are counted that have brought a job to a result. */
export function slotsIn(table: Table): number {
  const workers = machinesOf(table).filter(({ name }) => name !== undefined);
  const inAll = workers.reduce((sum, { slots }) => sum + slots, 0);
  return table.slots ?? (inAll || table.plan.campaign.limits.jobs);
}
