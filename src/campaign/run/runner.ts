import { setMaxListeners } from 'node:events';
import { countsOf, digestOf, type JobResult, verdictOf } from '../jobs/result.js';
import type { JobState, Table } from '../jobs/table.js';
import type { Objects } from '../store/objects.js';
import type { CampaignRecord, Done } from '../store/records.js';
import type { Execute, JobEnd } from './child.js';
import { backoffMs } from './losses.js';

/** Told while a campaign runs. */
export interface CampaignListener {
  begun(job: JobState): void;
  progress(job: JobState, count: { done: number; total: number }): void;
  done(job: JobState, result: JobResult): void;
  /** It came to no result; `job.state` says whether it is tried again. */
  lost(job: JobState): void;
}

/** What a campaign runs with. */
export interface Running {
  table: Table;
  /** The disk has a record when it returns. */
  write: (record: CampaignRecord) => void;
  objects: Objects;
  scratch: string;
  /** Jobs at a time. */
  slots: number;
  execute: Execute;
  listener: CampaignListener;
  /** Stops all jobs; they are open then. */
  signal: AbortSignal;
}

/** The other objects that a result names. */
function moreOf(result: JobResult): Pick<Done, 'image' | 'recording'> {
  if (result.kind === 'run' && result.recording !== undefined) return { recording: result.recording };
  if (result.kind !== 'build') return {};
  const { image: sha256, release } = result;
  return { image: { sha256, ...(release !== undefined && { release }) } };
}

/** Runs the open jobs of a campaign in this process's children. */
class Runner {
  readonly #running = new Map<string, Promise<void>>();
  readonly #o: Running;
  /** What ended it early: the journal or an object could not be written. */
  #error: unknown;
  /** Ends the waiting. */
  #wake: () => void = () => {};

  constructor(o: Running) {
    this.#o = o;
  }

  /** @throws what could not be written */
  async run(): Promise<void> {
    const { table, slots, signal } = this.#o;
    // Every job listens.
    setMaxListeners(0, signal);
    while (!signal.aborted && this.#error === undefined) {
      const job = this.#running.size < slots ? table.next(Date.now()) : undefined;
      if (job !== undefined) this.#start(job);
      else if (this.#running.size > 0 || table.nextTime() !== undefined) await this.#something();
      else break;
    }
    await Promise.allSettled(this.#running.values());
    if (this.#error !== undefined) throw this.#error;
  }

  #note(record: CampaignRecord): void {
    this.#o.write(record);
    this.#o.table.take(record);
  }

  /** Wait until a job ends, one may be tried again, or all are stopped. */
  async #something(): Promise<void> {
    const { table, signal, slots } = this.#o;
    const next = this.#running.size < slots ? table.nextTime() : undefined;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      signal.addEventListener('abort', this.#wake, { once: true });
      if (next !== undefined) timer = setTimeout(resolve, Math.max(0, next - Date.now()));
    });
    signal.removeEventListener('abort', this.#wake);
    clearTimeout(timer);
  }

  #start(job: JobState): void {
    this.#note({ type: 'begin', job: job.id, at: Date.now() });
    const work = this.#work(job)
      .catch((error: unknown) => {
        if (!this.#o.signal.aborted) this.#error ??= error;
      })
      .finally(() => {
        this.#running.delete(job.id);
        this.#wake();
      });
    this.#running.set(job.id, work);
  }

  async #work(job: JobState): Promise<void> {
    const { execute, objects, scratch, listener, signal, table } = this.#o;
    const { limits, recordings } = table.plan.campaign;
    listener.begun(job);
    const started = Date.now();
    const order = { job: job.job, objects: objects.folder, scratch, record: recordings === 'failed' };
    const end = await execute(order, {
      timeoutMs: limits.job * 1000,
      signal,
      onProgress: (count) => listener.progress(job, count),
    });
    if (end.kind === 'result') this.#done(job, end, (Date.now() - started) / 1000);
    else this.#lost(job, end);
  }

  #done(job: JobState, end: Extract<JobEnd, { kind: 'result' }>, took: number): void {
    const { objects, listener } = this.#o;
    const { result, seconds = took, host, slots = this.#o.slots } = end;
    // The result first: a record never names what is not there.
    const object = objects.putJson(result);
    const more = { ...moreOf(result), ...(host !== undefined && { host }), slots };
    const summary = { verdict: verdictOf(result), counts: countsOf(result), digest: digestOf(result) };
    this.#note({ type: 'done', job: job.id, object, seconds, ...summary, ...more, at: Date.now() });
    listener.done(job, result);
  }

  #lost(job: JobState, { loss, text, retry }: Extract<JobEnd, { kind: 'lost' }>): void {
    const { attempts, backoff } = this.#o.table.plan.campaign.limits;
    const isOver = !retry || job.losses + 1 >= attempts;
    const again = isOver ? {} : { again: Date.now() + backoffMs(backoff, job.losses + 1) };
    this.#note({ type: 'lost', job: job.id, loss, text, ...again, at: Date.now() });
    this.#o.listener.lost(job);
  }
}

/**
 * Run the open jobs of a campaign to their end, or until they are stopped.
 * @throws Error if the journal or a result cannot be written
 */
export const runJobs = (o: Running): Promise<void> => new Runner(o).run();
