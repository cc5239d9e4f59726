import { mkdirSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Job as QueuedJob, UnrecoverableError, WaitingError } from 'bullmq';
import { OwnedNames } from '../../process/owned-names.js';
import { type Execute, executeInChild, type JobEnd } from '../run/child.js';
import { causeOf, codeOf } from '../run/losses.js';
import { ObjectCache } from '../store/cache.js';
import { Objects } from '../store/objects.js';
import type { Loss } from '../store/records.js';
import { download, upload } from './files.js';
import { objectsIn, type Payload, payloadSchema, type Reply, replyOf } from './protocol.js';
import type { QueueServer } from './server/types.js';
import { Stops } from './stops.js';
import type { WorkerTally } from './tally.js';

/** How a worker does its jobs. */
export interface ServeOptions {
  /** Where kernel images are kept, and most bytes of them. */
  cache: string;
  mostBytes: number;
  /** Jobs that this machine does at a time. */
  slotCount: number;
  /** Ends it: its jobs go back into the queue. */
  signal: AbortSignal;
  /** What does a job, if not a child. */
  execute?: Execute;
  /** A job came to no result for what lies in this machine: others would come to none either. */
  onTrouble: (loss: Loss) => Promise<void>;
}

const TROUBLES: readonly Loss[] = ['start', 'disk-full'];
const PROGRESS_MS = 1_000;
const STOPPED: JobEnd = { kind: 'lost', loss: 'host-lost', text: 'the campaign was stopped', retry: false };

function payloadOf({ data }: QueuedJob): Payload {
  const parsed = payloadSchema.safeParse(data);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UnrecoverableError(`it is no job: ${issue?.path.join('.')}: ${issue?.message}`);
}

/** Does jobs of the queue, each in a child. */
export class JobServer {
  readonly #cache: ObjectCache;
  readonly #scratches = new OwnedNames('scratch.');
  readonly #stops: Stops;

  constructor(
    private readonly o: ServeOptions,
    private readonly server: QueueServer,
    private readonly tally: WorkerTally,
  ) {
    this.#cache = new ObjectCache(new Objects(join(o.cache, 'objects')), o.mostBytes);
    this.#stops = new Stops(server);
    mkdirSync(o.cache, { recursive: true, mode: 0o700 });
  }

  close(): void {
    this.#stops.close();
  }

  async serve(
    queued: QueuedJob,
    token: string | undefined,
    lockLost: AbortSignal | undefined,
  ): Promise<Reply> {
    const payload = payloadOf(queued);
    const started = Date.now();
    const stop = new AbortController();
    this.#stops.add(stop, payload.run);
    this.tally.begun();
    const signals = [stop.signal, this.o.signal, ...(lockLost ? [lockLost] : [])];
    let end: JobEnd | undefined;
    try {
      end = await this.#end(payload, AbortSignal.any(signals), queued);
    } catch (error) {
      if (stop.signal.aborted) end = STOPPED;
      else if (!this.o.signal.aborted) throw error;
      else {
        await queued.moveToWait(token);
        throw new WaitingError();
      }
    } finally {
      this.#stops.remove(stop);
      this.tally.ended(end?.kind === 'lost' ? end.loss : end?.kind, (Date.now() - started) / 1000);
    }
    if (end.kind === 'lost' && TROUBLES.includes(end.loss)) await this.o.onTrouble(end.loss);
    const seconds = (Date.now() - started) / 1000;
    return replyOf(end, { host: hostname(), seconds, slots: this.o.slotCount });
  }

  async #end(payload: Payload, signal: AbortSignal, queued: QueuedJob): Promise<JobEnd> {
    const { run, job, objects: needs, timeoutMs, record } = payload;
    const { objects } = this.#cache;
    if (await this.#stops.isStopped(run)) return STOPPED;
    const scratch = join(this.o.cache, this.#scratches.next());
    const use = this.#cache.begin(needs);
    let made: string[] = [];
    try {
      await download(this.server, objects, needs);
      this.#cache.used(use);
      const { execute = executeInChild } = this.o;
      const end = await execute(
        { job, objects: objects.folder, scratch, record },
        { timeoutMs, signal, onProgress: progressOf(queued) },
      );
      if (end.kind !== 'result') return end;
      await upload(this.server, objects, objectsIn(end.result));
      made = objectsIn(end.result);
      return end;
    } catch (error) {
      if (signal.aborted) throw error;
      const { loss } = causeOf(codeOf(error));
      // Another worker may have room, or the file.
      return { kind: 'lost', loss, text: (error as Error).message, retry: true };
    } finally {
      rmSync(scratch, { recursive: true, force: true });
      const bytes = this.#cache.end(use, made);
      if (bytes !== undefined) this.tally.cached(bytes);
    }
  }
}

/** Tell the queue how far a job is, now and then. */
function progressOf(queued: QueuedJob): (count: { done: number; total: number }) => void {
  let told = 0;
  return (count) => {
    if (Date.now() - told < PROGRESS_MS) return;
    told = Date.now();
    queued.updateProgress(count).catch(() => {});
  };
}
