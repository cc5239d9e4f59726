import { Queue, QueueEvents } from 'bullmq';
import type { Redis } from 'ioredis';
import { jobId } from '../jobs/job.js';
import type { Order } from '../jobs/result.js';
import type { Table } from '../jobs/table.js';
import type { Execute, JobEnd } from '../run/child.js';
import { Objects } from '../store/objects.js';
import {
  endOf,
  LABELS,
  type Label,
  labelOf,
  objectsIn,
  objectsOf,
  type Payload,
  queueName,
  runKey,
  STOP_CHANNEL,
  stoppedKey,
} from './protocol.js';
import { checkServer, connect, download, duplicateOf, upload } from './redis.js';

/** Results are looked for this often beside the events that tell of them: events can be lost while the server is away. */
const POLL_MS = 5_000;
/** Jobs of a run stay in the queue for so many seconds: a coordinator that was killed finds their results. */
const KEEP = { age: 7 * 86_400 };
const STOPPED_SECONDS = 7 * 86_400;

/** A job that is in the queue. */
interface Pending {
  label: Label;
  settle: (value: unknown) => void;
  fail: (text: string) => void;
  onProgress: (count: { done: number; total: number }) => void;
}

interface Lane {
  /** Of the events, which wait in theirs. */
  connection: Redis;
  queue: Queue;
  events: QueueEvents;
}

const lost = (text: string): JobEnd => ({ kind: 'lost', loss: 'host-lost', text, retry: false });

function countOf(data: unknown): { done: number; total: number } | undefined {
  const { done, total } = (data ?? {}) as { done?: unknown; total?: unknown };
  return typeof done === 'number' && typeof total === 'number' ? { done, total } : undefined;
}

/** Tell the workers to stop the jobs of a run, and not to begin others. */
export async function stopRun(redis: Redis, table: Table): Promise<void> {
  const run = runKey(table);
  await redis.set(stoppedKey(run), '1', 'EX', STOPPED_SECONDS);
  await redis.publish(STOP_CHANNEL, run);
}

/** Puts the jobs of one run of a campaign into queues, and waits for what workers give back. */
export class Coordinator {
  readonly #pending = new Map<string, Pending>();
  readonly #lanes: Readonly<Record<Label, Lane>>;
  readonly #redis: Redis;
  readonly #run: string;
  readonly #tool: string;
  readonly #timer: NodeJS.Timeout;

  private constructor(
    redis: Redis,
    readonly table: Table,
  ) {
    this.#redis = redis;
    this.#run = runKey(table);
    this.#tool = table.plan.tool;
    const [vtx, lab] = LABELS.map((label) => this.#lane(label)) as [Lane, Lane];
    this.#lanes = { vtx, lab };
    this.#timer = setInterval(() => void this.#poll().catch(() => {}), POLL_MS);
  }

  /**
   * Connect for a run. What stopped it before is over.
   * @throws CampaignError CAMPAIGN_QUEUE
   */
  static async open(url: string, table: Table): Promise<Coordinator> {
    const redis = connect(url);
    try {
      await checkServer(redis, url);
      await redis.del(stoppedKey(runKey(table)));
      const coordinator = new Coordinator(redis, table);
      // Else what ends at once would be noticed by the next poll only.
      const lanes = Object.values(coordinator.#lanes);
      await Promise.all(lanes.map(({ events }) => events.waitUntilReady()));
      return coordinator;
    } catch (error) {
      redis.disconnect();
      throw error;
    }
  }

  #lane(label: Label): Lane {
    const name = queueName(label, this.#tool);
    const queue = new Queue(name, { connection: this.#redis });
    const connection = duplicateOf(this.#redis);
    const events = new QueueEvents(name, { connection });
    events.on('completed', ({ jobId: id, returnvalue }) => this.#pending.get(id)?.settle(returnvalue));
    events.on('failed', ({ jobId: id, failedReason }) => this.#pending.get(id)?.fail(failedReason));
    events.on('progress', ({ jobId: id, data }) => {
      const count = countOf(data);
      if (count !== undefined) this.#pending.get(id)?.onProgress(count);
    });
    queue.on('error', () => {});
    events.on('error', () => {});
    return { connection, queue, events };
  }

  /** How many workers wait for jobs of each label. */
  async workers(): Promise<Record<Label, number>> {
    const count = (label: Label): Promise<number> => this.#lanes[label].queue.getWorkersCount();
    return { vtx: await count('vtx'), lab: await count('lab') };
  }

  /** Have a job done by some worker. */
  readonly execute: Execute = async (order, { timeoutMs, signal, onProgress }) => {
    const id = `${this.#run}-${jobId(order.job, this.#tool)}`;
    const label = labelOf(order.job);
    let resolve: (end: JobEnd) => void = () => {};
    const ended = new Promise<JobEnd>((settle) => {
      resolve = settle;
    });
    this.#pending.set(id, {
      label,
      settle: (value) => resolve(endOf(value, order.job)),
      fail: (text) => resolve(lost(text)),
      onProgress,
    });
    const stop = (): void => resolve(lost('stopped'));
    signal.addEventListener('abort', stop, { once: true });
    try {
      await this.#add(id, label, order, timeoutMs);
      const end = await ended;
      signal.throwIfAborted();
      if (end.kind === 'result')
        await download(this.#redis, new Objects(order.objects), objectsIn(end.result));
      return end;
    } finally {
      signal.removeEventListener('abort', stop);
      this.#pending.delete(id);
    }
  };

  /** What is in the queue already is not put there again; what came to no result there is. */
  async #add(id: string, label: Label, { job, objects, record }: Order, timeoutMs: number): Promise<void> {
    const { queue } = this.#lanes[label];
    const needs = objectsOf(job);
    await upload(this.#redis, new Objects(objects), needs);
    const known = await queue.getJob(id);
    const state = await known?.getState();
    if (known !== undefined && state === 'completed' && endOf(known.returnvalue, job).kind === 'result')
      return this.#pending.get(id)?.settle(known.returnvalue);
    if (state === 'completed' || state === 'failed') await known?.remove();
    const payload: Payload = { run: this.#run, job, objects: needs, timeoutMs, record };
    const priority = job.kind === 'build' ? 1 : 2;
    await queue.add(job.kind, payload, { jobId: id, priority, removeOnComplete: KEEP, removeOnFail: KEEP });
  }

  async #poll(): Promise<void> {
    for (const [id, pending] of [...this.#pending]) {
      const job = await this.#lanes[pending.label].queue.getJob(id);
      if (job?.finishedOn === undefined) continue;
      if (await job.isFailed()) pending.fail(job.failedReason);
      else pending.settle(job.returnvalue);
    }
  }

  /** Tell the workers to stop. */
  stop(): Promise<void> {
    return stopRun(this.#redis, this.table);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    const closing = Object.values(this.#lanes).flatMap(({ queue, events }) => [
      events.close(),
      queue.close(),
    ]);
    await Promise.allSettled(closing);
    // What was given to BullMQ is not closed by it.
    for (const { connection } of Object.values(this.#lanes)) connection.disconnect();
    this.#redis.disconnect();
  }
}
