import { CampaignError } from '../errors.js';
import type { CampaignRecord, Done, Loss } from '../store/records.js';
import type { Job } from './job.js';
import {
  buildOf,
  type Cell,
  cellsOf,
  jobsOfKernel,
  type Plan,
  type PlannedJob,
  type PlannedKernel,
} from './plan.js';

/** What is known of a job. */
export interface JobState {
  readonly id: string;
  readonly job: Job;
  state: 'waiting' | 'running' | 'done' | 'lost';
  /** How often it was begun and came to no result, for a reason that may lie in it. */
  losses: number;
  /** Not to be begun before this time. */
  notBefore: number;
  begun?: number;
  result?: Done;
  /** Why it came to no result the last time. */
  loss?: { loss: Loss; text: string };
}

/** A kernel, and what became of its image. */
export interface KernelState {
  readonly kernel: PlannedKernel;
  /** The job that builds it. */
  readonly build?: JobState;
  /** Its cells: known with its image. */
  cells: readonly Cell[];
  image?: { sha256: string; release?: string | undefined };
}

/** How a campaign stands. */
export type CampaignState = 'open' | 'cancelled' | 'ended';

/** Every job of a campaign, and how it stands: what the records of its journal come to. Pure. */
export class Table {
  readonly plan: Plan;
  readonly startedAt: number;
  readonly kernels: readonly KernelState[];
  readonly jobs = new Map<string, JobState>();
  readonly #counts = { waiting: 0, running: 0, done: 0, lost: 0 };
  readonly #builds: JobState[] = [];
  /** All other jobs, in the order in which they are begun first; those before `#at` do not wait for that. */
  readonly #fresh: JobState[] = [];
  #at = 0;
  /** Jobs that came to no result, and wait for their time. */
  readonly #again = new Set<JobState>();
  state: CampaignState = 'open';
  endedAt: number | undefined;
  /** Who took it on last. */
  owner: string | undefined;
  /** The last queue that its jobs were put into: they may be there still. */
  queue: string | undefined;
  /** Jobs that the last process does at a time; undefined where workers do them. */
  slots: number | undefined;
  #boot: string | undefined;

  /** @throws CampaignError CAMPAIGN_JOURNAL if records are in no order that happens */
  constructor(records: Iterable<CampaignRecord>) {
    const rest = records[Symbol.iterator]();
    const { value: first } = rest.next() as { value: CampaignRecord | undefined };
    if (first?.type !== 'campaign')
      throw new CampaignError('CAMPAIGN_JOURNAL', 'a campaign begins with its plan');
    this.plan = first.plan;
    this.startedAt = first.at;
    this.kernels = this.plan.kernels.map((kernel) => this.#kernel(kernel));
    for (let next = rest.next(); next.done !== true; next = rest.next()) this.take(next.value);
  }

  #kernel(kernel: PlannedKernel): KernelState {
    const { from } = kernel;
    if (from.kind === 'host') return { kernel, cells: this.#add(cellsOf(this.plan, kernel, null)) };
    if (from.kind === 'image')
      return {
        kernel,
        image: { sha256: from.sha256 },
        cells: this.#add(cellsOf(this.plan, kernel, from.sha256)),
      };
    const build = this.#job(buildOf(this.plan, kernel) as PlannedJob);
    return { kernel, build, cells: [] };
  }

  #job({ id, job }: PlannedJob): JobState {
    const known = this.jobs.get(id);
    if (known !== undefined) return known;
    const made: JobState = { id, job, state: 'waiting', losses: 0, notBefore: 0 };
    this.jobs.set(id, made);
    this.#counts.waiting++;
    (job.kind === 'build' ? this.#builds : this.#fresh).push(made);
    return made;
  }

  #set(job: JobState, state: JobState['state']): void {
    this.#counts[job.state]--;
    this.#counts[state]++;
    job.state = state;
  }

  #add(cells: readonly Cell[]): readonly Cell[] {
    for (const planned of cells.flatMap(({ jobs }) => jobs)) this.#job(planned);
    return cells;
  }

  /** @throws CampaignError CAMPAIGN_JOURNAL */
  take(record: CampaignRecord): void {
    switch (record.type) {
      case 'campaign':
        throw new CampaignError('CAMPAIGN_JOURNAL', 'a campaign begins once');
      case 'session':
        this.#takeOn(record);
        break;
      case 'begin':
        this.#begin(this.#named(record.job), record.at);
        break;
      case 'done':
        this.#done(this.#named(record.job), record);
        break;
      case 'lost':
        this.#lose(this.#named(record.job), record);
        break;
      case 'cancelled':
        this.#end('cancelled', record.at);
        break;
      case 'end':
        this.#end('ended', record.at);
    }
  }

  #named(id: string): JobState {
    const job = this.jobs.get(id);
    if (job === undefined)
      throw new CampaignError('CAMPAIGN_JOURNAL', `there is no job ${id.slice(0, 12)} in this campaign`);
    return job;
  }

  #begin(job: JobState, at: number): void {
    this.#set(job, 'running');
    this.#again.delete(job);
    job.begun = at;
  }

  /** What ran when the process before ended is open again. It is not to blame, unless the machine itself went down under it. */
  #takeOn({ owner, boot, queue = this.queue, slots }: Extract<CampaignRecord, { type: 'session' }>): void {
    const isOtherBoot = this.#boot !== undefined && this.#boot !== boot;
    for (const job of this.jobs.values()) {
      if (job.state !== 'running') continue;
      this.#set(job, 'waiting');
      if (!isOtherBoot) continue;
      job.losses++;
      job.loss = { loss: 'host-lost', text: 'the machine went down while it ran' };
      if (job.losses >= this.plan.campaign.limits.attempts) this.#set(job, 'lost');
    }
    this.#at = 0;
    this.owner = owner;
    this.queue = queue;
    this.slots = slots;
    this.#boot = boot;
  }

  /** The first result is kept: a job that was done twice came to one. */
  #done(job: JobState, record: Done): void {
    if (job.state === 'done') return;
    this.#set(job, 'done');
    this.#again.delete(job);
    job.result = record;
    delete job.loss;
    if (record.image === undefined) return;
    for (const kernel of this.kernels) {
      if (kernel.build !== job) continue;
      kernel.image = record.image;
      kernel.cells = this.#add(cellsOf(this.plan, kernel.kernel, record.image.sha256));
    }
  }

  #lose(job: JobState, { loss, text, again }: Extract<CampaignRecord, { type: 'lost' }>): void {
    if (job.state === 'done') return;
    job.losses++;
    job.loss = { loss, text };
    job.notBefore = again ?? 0;
    this.#set(job, again === undefined ? 'lost' : 'waiting');
    if (again !== undefined) this.#again.add(job);
  }

  #end(state: CampaignState, at: number): void {
    this.state = state;
    this.endedAt = at;
  }

  /** The next job that was not begun yet. */
  #nextFresh(): JobState | undefined {
    const isFresh = (job: JobState): boolean => job.state === 'waiting' && !this.#again.has(job);
    const build = this.#builds.find(isFresh);
    if (build !== undefined) return build;
    for (; this.#at < this.#fresh.length; this.#at++) {
      const job = this.#fresh[this.#at] as JobState;
      if (isFresh(job)) return job;
    }
    return undefined;
  }

  /** The next job to begin. Builds come first: others wait for them. */
  next(now: number): JobState | undefined {
    for (const job of this.#again) if (job.notBefore <= now) return job;
    return this.#nextFresh();
  }

  /** When the next job that waits may begin. */
  nextTime(): number | undefined {
    if (this.#nextFresh() !== undefined) return 0;
    const times = [...this.#again].map(({ notBefore }) => notBefore);
    return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
  }

  /** How many jobs are in each state; those of kernels that are not built yet are in `unknown`. */
  counts(): Record<JobState['state'] | 'unknown', number> {
    const open = this.kernels.filter(
      ({ build, image }) => image === undefined && build !== undefined && build.state !== 'lost',
    );
    // Kernels of one build share their jobs.
    const kernels = new Map(open.map(({ kernel, build }) => [build, kernel])).values();
    const unknown = [...kernels].reduce((sum, kernel) => sum + jobsOfKernel(this.plan, kernel), 0);
    return { ...this.#counts, unknown };
  }
}
