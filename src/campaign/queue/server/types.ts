import type { Processor, Queue, QueueEvents, Worker, WorkerOptions } from 'bullmq';

/** How a worker takes jobs. */
export type TakeOptions = Omit<WorkerOptions, 'connection'>;

/** What a server knows of a job. */
export type Found =
  | { state: 'open' }
  | { state: 'completed'; value: unknown }
  | { state: 'failed'; text: string };

/**
 * The server that a queue is on, while a process is connected to it. It is waited for whenever it is away: nothing that is asked of it
 * fails for that, until `close()`.
 */
export interface QueueServer {
  /** Its address, without what is secret. */
  readonly address: string;
  /** Where jobs are put. */
  queue(name: string): Queue;
  /** How long it is worth while to wait for jobs that can be put there together, in milliseconds. */
  readonly gatherMs: number;
  /** What becomes of jobs. */
  events(name: string): QueueEvents;
  /** Whether events tell of every job that ends while the server is there. */
  readonly tellsAll: boolean;
  /** What became of jobs, by their ids: those that it does not know are not among them. */
  find(queue: Queue, ids: readonly string[]): Promise<Map<string, Found>>;
  /** Takes jobs. */
  worker(name: string, processor: Processor, o: TakeOptions): Worker;

  /** Keep a file for as long as a campaign may wait for a worker. */
  put(hash: string, bytes: Buffer): Promise<void>;
  /** Keep a file for as long again; false if it is not there. */
  touch(hash: string): Promise<boolean>;
  get(hash: string): Promise<Buffer | undefined>;

  /** Workers stop the jobs of a run, and begin no others. */
  stopRun(run: string): Promise<void>;
  /** What stopped a run is over. */
  allowRun(run: string): Promise<void>;
  isStopped(run: string): Promise<boolean>;

  close(): Promise<void>;
}

/** How long a server keeps what it is given, in seconds: as long as a campaign may wait for a worker. */
export const KEEP_SECONDS = 7 * 86_400;

/** How long a server may take to answer at first. */
export const PATIENCE_MS = 10_000;

/** Nobody listens: an error that is not taken would end the program, and it is asked again anyway. */
export function quiet<T extends { on(event: 'error', listener: () => void): unknown }>(emitter: T): T {
  emitter.on('error', () => {});
  return emitter;
}
