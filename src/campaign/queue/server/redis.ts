import { type Processor, Queue, QueueEvents, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { CampaignError } from '../../errors.js';
import { publicUrl } from './address.js';
import { type Found, KEEP_SECONDS, PATIENCE_MS, type QueueServer, quiet, type TakeOptions } from './types.js';

/** Where Redis has a file of a job. */
const objectKey = (hash: string): string => `kvm-memtype:object:${hash}`;
/** Set while a run is stopped. */
const stoppedKey = (run: string): string => `kvm-memtype:stopped:${run}`;

/** What the server must be set to, so that it loses no job. */
const SETTINGS = [
  ['appendonly', 'yes'],
  ['maxmemory-policy', 'noeviction'],
] as const;

/** What is wrong with a certificate. */
const UNTRUSTED = /CERT|ERR_TLS|UNABLE_TO_/;

/** A queue on Redis. */
export class RedisServer implements QueueServer {
  readonly address: string;
  readonly tellsAll = true;
  readonly gatherMs = 0;
  readonly #redis: Redis;
  /** What was given to BullMQ is not closed by it. */
  readonly #others: Redis[] = [];
  /** Why it does not answer. */
  #why = '';
  /** Called where waiting is of no use. */
  #refused: (why: string) => void = () => {};

  private constructor(url: string) {
    this.address = publicUrl(url);
    this.#redis = new Redis(url, {
      maxRetriesPerRequest: null,
      retryStrategy: (times) => Math.min(2000, 100 * times),
    });
    this.#redis.on('error', (error: NodeJS.ErrnoException) => {
      this.#why = error.message || error.code || '';
      if (UNTRUSTED.test(error.code ?? '')) this.#refused(this.#why);
    });
  }

  /**
   * Connect to a server that keeps what it is given, also when it is killed. One that does not tell its settings is taken as it is.
   * @throws CampaignError CAMPAIGN_QUEUE
   */
  static async open(url: string): Promise<RedisServer> {
    const server = new RedisServer(url);
    try {
      await server.#check();
      return server;
    } catch (error) {
      server.#redis.disconnect();
      throw error;
    }
  }

  async #check(): Promise<void> {
    await this.#answers();
    for (const [name, wanted] of SETTINGS) {
      const answer = (await this.#redis.config('GET', name).catch(() => [])) as string[];
      const [, value = wanted] = answer;
      if (value !== wanted)
        throw new CampaignError(
          'CAMPAIGN_QUEUE',
          `Redis at ${this.address} would lose jobs: set ${name} ${wanted}, it is ${value}`,
        );
    }
  }

  async #answers(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const why = this.#why === '' ? '' : `: ${this.#why}`;
        reject(new CampaignError('CAMPAIGN_QUEUE', `no Redis answers at ${this.address}${why}`));
      }, PATIENCE_MS);
      this.#refused = (own) =>
        reject(new CampaignError('CAMPAIGN_QUEUE', `Redis at ${this.address} is not trusted: ${own}`));
    });
    const ping = this.#redis.ping().catch((error: Error) => {
      throw new CampaignError('CAMPAIGN_QUEUE', `Redis at ${this.address} refuses: ${error.message}`);
    });
    await Promise.race([ping, late]).finally(() => clearTimeout(timer));
  }

  #another(): Redis {
    const other = quiet(this.#redis.duplicate());
    this.#others.push(other);
    return other;
  }

  queue(name: string): Queue {
    return quiet(new Queue(name, { connection: this.#redis }));
  }

  events(name: string): QueueEvents {
    return quiet(new QueueEvents(name, { connection: this.#another() }));
  }

  async find(queue: Queue, ids: readonly string[]): Promise<Map<string, Found>> {
    const ask = async (id: string): Promise<[string, Found] | undefined> => {
      const job = await queue.getJob(id);
      if (job === undefined) return undefined;
      if (job.finishedOn === undefined) return [id, { state: 'open' }];
      if (await job.isFailed()) return [id, { state: 'failed', text: job.failedReason }];
      return [id, { state: 'completed', value: job.returnvalue }];
    };
    const answers = await Promise.all(ids.map(ask));
    return new Map(answers.filter((answer) => answer !== undefined));
  }

  worker(name: string, processor: Processor, o: TakeOptions): Worker {
    return new Worker(name, processor, { ...o, connection: this.#another() });
  }

  async put(hash: string, bytes: Buffer): Promise<void> {
    await this.#redis.set(objectKey(hash), bytes, 'EX', KEEP_SECONDS);
  }

  async touch(hash: string): Promise<boolean> {
    return (await this.#redis.expire(objectKey(hash), KEEP_SECONDS)) === 1;
  }

  async get(hash: string): Promise<Buffer | undefined> {
    return (await this.#redis.getBuffer(objectKey(hash))) ?? undefined;
  }

  async stopRun(run: string): Promise<void> {
    await this.#redis.set(stoppedKey(run), '1', 'EX', KEEP_SECONDS);
  }

  async allowRun(run: string): Promise<void> {
    await this.#redis.del(stoppedKey(run));
  }

  async isStopped(run: string): Promise<boolean> {
    return (await this.#redis.exists(stoppedKey(run))) === 1;
  }

  async close(): Promise<void> {
    for (const connection of [...this.#others, this.#redis]) connection.disconnect();
  }
}
