import type { Queue, QueueEvents } from 'bullmq';
import { jobId } from '../jobs/job.js';
import type { Order } from '../jobs/result.js';
import type { Table } from '../jobs/table.js';
import type { Execute, JobEnd } from '../run/child.js';
import { Objects } from '../store/objects.js';
import { Adder } from './adder.js';
import { download, upload } from './files.js';
import {
  byLabel,
  endOf,
  LABELS,
  type Label,
  labelOf,
  objectsIn,
  objectsOf,
  type Payload,
  queueName,
  runKey,
} from './protocol.js';
import { openServer } from './server/open.js';
import { KEEP_SECONDS, type QueueServer } from './server/types.js';
import { Waiting } from './waiting.js';

/** Jobs of a run stay in the queue: a coordinator that was killed finds their results. */
const KEEP = { age: KEEP_SECONDS };

interface Lane {
  queue: Queue;
  adder: Adder;
  events: QueueEvents;
}

const lost = (text: string): JobEnd => ({ kind: 'lost', loss: 'host-lost', text, retry: false });

/** Puts the jobs of one run of a campaign into queues, and waits for what workers give back. */
export class Coordinator {
  readonly #lanes: Readonly<Record<Label, Lane>>;
  readonly #run: string;
  readonly #tool: string;
  readonly #waiting: Waiting;
  /** The queue may have what an earlier process put there. */
  readonly #isResumed: boolean;
  /** What was put into the queue by this process. */
  readonly #known = new Set<string>();

  private constructor(
    private readonly server: QueueServer,
    table: Table,
  ) {
    this.#run = runKey(table);
    this.#tool = table.plan.tool;
    this.#isResumed = table.owner !== undefined;
    this.#waiting = new Waiting((label, ids) => server.find(this.#lanes[label].queue, ids), server.tellsAll);
    this.#lanes = byLabel((label) => this.#lane(label));
  }

  /**
   * Connect for a run. What stopped it before is over.
   * @throws CampaignError CAMPAIGN_QUEUE
   */
  static async open(url: string, table: Table): Promise<Coordinator> {
    const server = await openServer(url);
    try {
      await server.allowRun(runKey(table));
      const coordinator = new Coordinator(server, table);
      // Else what ends at once would be noticed by the next poll only.
      const lanes = Object.values(coordinator.#lanes);
      await Promise.all(lanes.map(({ events }) => events.waitUntilReady()));
      return coordinator;
    } catch (error) {
      await server.close();
      throw error;
    }
  }

  /** Of the queue, without what is secret. */
  get address(): string {
    return this.server.address;
  }

  #lane(label: Label): Lane {
    const name = queueName(label, this.#tool);
    const queue = this.server.queue(name);
    const events = this.server.events(name);
    events.on('active', () => this.#waiting.stir());
    events.on('completed', ({ jobId: id, returnvalue }) => this.#waiting.completed(id, returnvalue));
    events.on('failed', ({ jobId: id, failedReason }) => this.#waiting.failed(id, failedReason));
    events.on('progress', ({ jobId: id, data }) => this.#waiting.progress(id, data));
    return { queue, events, adder: new Adder(queue, this.server.gatherMs) };
  }

  /** How many workers wait for jobs of each label. */
  async workers(): Promise<Record<Label, number>> {
    const counts = await Promise.all(LABELS.map((label) => this.#lanes[label].queue.getWorkersCount()));
    return byLabel((label) => counts[LABELS.indexOf(label)] as number);
  }

  /** Have a job done by some worker. */
  readonly execute: Execute = async (order, { timeoutMs, signal, onProgress }) => {
    const id = `${this.#run}-${jobId(order.job, this.#tool)}`;
    const label = labelOf(order.job);
    let resolve: (end: JobEnd) => void = () => {};
    const ended = new Promise<JobEnd>((settle) => {
      resolve = settle;
    });
    this.#waiting.add(id, {
      label,
      settle: (value) => resolve(endOf(value, order.job)),
      fail: (text) => resolve(lost(text)),
      again: () => this.#put(id, label, order, timeoutMs),
      onProgress,
    });
    const stop = (): void => resolve(lost('stopped'));
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (!(await this.#isDone(id, label, order))) await this.#put(id, label, order, timeoutMs);
      const end = await ended;
      signal.throwIfAborted();
      if (end.kind === 'result')
        await download(this.server, new Objects(order.objects), objectsIn(end.result));
      return end;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#waiting.delete(id);
    }
  };

  /** What has a result in the queue already is not put there again; what came to none there is. */
  async #isDone(id: string, label: Label, { job }: Order): Promise<boolean> {
    if (!this.#isResumed && !this.#known.has(id)) return false;
    const known = await this.#lanes[label].queue.getJob(id);
    const state = await known?.getState();
    if (known === undefined || (state !== 'completed' && state !== 'failed')) return false;
    if (state === 'completed' && endOf(known.returnvalue, job).kind === 'result') {
      this.#waiting.completed(id, known.returnvalue);
      return true;
    }
    await known.remove();
    return false;
  }

  async #put(id: string, label: Label, { job, objects, record }: Order, timeoutMs: number): Promise<void> {
    const needs = objectsOf(job);
    await upload(this.server, new Objects(objects), needs);
    const data: Payload = { run: this.#run, job, objects: needs, timeoutMs, record };
    // Builds go to the front: others wait for them.
    const lifo = job.kind === 'build';
    const opts = { jobId: id, lifo, removeOnComplete: KEEP, removeOnFail: KEEP };
    this.#known.add(id);
    await this.#lanes[label].adder.add({ name: job.kind, data, opts });
  }

  /** Tell the workers to stop. */
  stop(): Promise<void> {
    return this.server.stopRun(this.#run);
  }

  async close(): Promise<void> {
    this.#waiting.close();
    const closing = Object.values(this.#lanes).flatMap(({ queue, events }) => [
      events.close(),
      queue.close(),
    ]);
    await Promise.allSettled(closing);
    await this.server.close();
  }
}
