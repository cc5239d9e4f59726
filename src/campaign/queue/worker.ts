import { mkdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Job as QueuedJob, UnrecoverableError, WaitingError, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { OwnedNames } from '../../process/owned-names.js';
import { type Execute, executeInChild, type JobEnd } from '../run/child.js';
import { causeOf } from '../run/losses.js';
import { Objects } from '../store/objects.js';
import {
  type Label,
  objectsIn,
  type Payload,
  payloadSchema,
  queueName,
  type Reply,
  replyOf,
  STOP_CHANNEL,
  stoppedKey,
} from './protocol.js';
import { checkServer, connect, download, duplicateOf, publicUrl, upload } from './redis.js';

/** How a worker works. */
export interface WorkerOptions {
  url: string;
  labels: readonly Label[];
  /** Jobs at a time. */
  slots: number;
  /** Where kernel images are kept, and most bytes of them. */
  cache: string;
  mostBytes: number;
  /** Version and revision of this program. */
  tool: string;
  /** Seconds after which a worker that tells nothing is taken for dead. */
  lockSeconds: number;
  /** Ends it: its jobs go back into the queue. */
  signal: AbortSignal;
  tell: (text: string) => void;
  /** What does a job, if not a child. */
  execute?: Execute;
}

const PROGRESS_MS = 1_000;
/** A job that takes so many workers along and one more is set aside. */
const MOST_STALLS = 2;
const STOPPED: JobEnd = { kind: 'lost', loss: 'host-lost', text: 'the campaign was stopped', retry: false };

function payloadOf({ data }: QueuedJob): Payload {
  const parsed = payloadSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UnrecoverableError(`it is no job: ${issue?.path.join('.')}: ${issue?.message}`);
}

/** Does jobs of the queue, each in a child. */
class JobServer {
  readonly objects: Objects;
  readonly #scratches: OwnedNames;
  /** What runs, by the key of its campaign's run. */
  readonly #running = new Map<AbortController, string>();

  constructor(
    readonly o: WorkerOptions,
    readonly redis: Redis,
  ) {
    this.objects = new Objects(join(o.cache, 'objects'));
    this.#scratches = new OwnedNames('scratch.');
  }

  /** Stop the jobs of a run. */
  stop(run: string): void {
    for (const [controller, own] of this.#running) if (own === run) controller.abort(new Error('stopped'));
  }

  async serve(
    queued: QueuedJob,
    token: string | undefined,
    lockLost: AbortSignal | undefined,
  ): Promise<Reply> {
    const payload = payloadOf(queued);
    const started = Date.now();
    const stop = new AbortController();
    this.#running.set(stop, payload.run);
    const signals = [stop.signal, this.o.signal, ...(lockLost ? [lockLost] : [])];
    try {
      const end = await this.#end(payload, AbortSignal.any(signals), queued);
      return replyOf(end, hostname(), (Date.now() - started) / 1000);
    } catch (error) {
      if (stop.signal.aborted) return replyOf(STOPPED, hostname(), 0);
      if (!this.o.signal.aborted) throw error;
      await queued.moveToWait(token);
      throw new WaitingError();
    } finally {
      this.#running.delete(stop);
    }
  }

  async #end(payload: Payload, signal: AbortSignal, queued: QueuedJob): Promise<JobEnd> {
    const { run, job, objects, timeoutMs, record } = payload;
    if ((await this.redis.exists(stoppedKey(run))) === 1) return STOPPED;
    const scratch = join(this.o.cache, this.#scratches.next());
    let told = 0;
    try {
      await this.#have(objects);
      const { execute = executeInChild } = this.o;
      const end = await execute(
        { job, objects: this.objects.folder, scratch, record },
        {
          timeoutMs,
          signal,
          onProgress: (count) => {
            if (Date.now() - told < PROGRESS_MS) return;
            told = Date.now();
            queued.updateProgress(count).catch(() => {});
          },
        },
      );
      if (end.kind === 'result') await upload(this.redis, this.objects, objectsIn(end.result));
      return end;
    } catch (error) {
      if (signal.aborted) throw error;
      const { code = 'INTERNAL', message } = error as NodeJS.ErrnoException;
      const { loss } = causeOf(code);
      // Another worker may have room, or the file.
      return { kind: 'lost', loss, text: message, retry: true };
    } finally {
      rmSync(scratch, { recursive: true, force: true });
      this.#makeRoom(objects);
    }
  }

  async #have(hashes: readonly string[]): Promise<void> {
    mkdirSync(this.o.cache, { recursive: true, mode: 0o700 });
    await download(this.redis, this.objects, hashes);
    const now = new Date();
    for (const hash of hashes) utimesSync(this.objects.path(hash), now, now);
  }

  /** Forget the files that were used the longest time ago. */
  #makeRoom(inUse: readonly string[]): void {
    const files = this.objects
      .all()
      .flatMap((hash) => {
        const info = statSync(this.objects.path(hash), { throwIfNoEntry: false });
        return info === undefined ? [] : [{ hash, size: info.size, used: info.mtimeMs }];
      })
      .sort((a, b) => a.used - b.used);
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { hash, size } of files) {
      if (total <= this.o.mostBytes) return;
      if (inUse.includes(hash) || this.#running.size > 0) continue;
      this.objects.remove(hash);
      total -= size;
    }
  }
}

/**
 * Do the jobs of the queue until the signal says otherwise. Jobs that run then go back into the queue.
 * @throws CampaignError CAMPAIGN_QUEUE
 */
export async function work(o: WorkerOptions): Promise<void> {
  const redis = connect(o.url);
  const subscriber = duplicateOf(redis);
  const connections = [redis, subscriber];
  try {
    await checkServer(redis, o.url);
    const server = new JobServer(o, redis);
    await subscriber.subscribe(STOP_CHANNEL);
    subscriber.on('message', (_, run) => server.stop(run));
    const workers = o.labels.map((label) => {
      const connection = duplicateOf(redis);
      connections.push(connection);
      return workerFor(label, server, connection);
    });
    o.tell(`waits for jobs of ${o.labels.join(', ')} at ${publicUrl(o.url)}`);
    await new Promise<void>((resolve) => {
      if (o.signal.aborted) resolve();
      o.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    await Promise.allSettled(workers.map((worker) => worker.close()));
  } finally {
    for (const connection of connections) connection.disconnect();
  }
}

function workerFor(label: Label, server: JobServer, connection: Redis): Worker {
  const { o } = server;
  const lockMs = o.lockSeconds * 1000;
  const worker = new Worker(
    queueName(label, o.tool),
    (job, token, signal) => server.serve(job, token, signal),
    {
      connection,
      name: hostname(),
      concurrency: o.slots,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount: MOST_STALLS,
    },
  );
  worker.on('error', () => {});
  worker.on('active', ({ name }) => o.tell(`${name} begins`));
  worker.on('stalled', (id) => o.tell(`job ${id.slice(0, 24)} is taken over: its worker was lost`));
  worker.on('completed', ({ name }) => o.tell(`${name} is done`));
  return worker;
}
