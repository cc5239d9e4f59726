import { createPostgresBackend, type Processor, Queue, QueueEvents, runMigrations, Worker } from 'bullmq';
import { CampaignError } from '../../errors.js';
import { pgUrl } from '../../past/pg-url.js';
import { SCHEMA_LOCK } from '../../past/postgres.js';
import { publicUrl } from './address.js';
import { PatientPool } from './patient-pool.js';
import { type Found, KEEP_SECONDS, PATIENCE_MS, type QueueServer, quiet, type TakeOptions } from './types.js';

/** What a queue needs beside BullMQ's tables: files of jobs, and runs that are stopped. */
const TABLES = `
CREATE SCHEMA IF NOT EXISTS kvm_memtype;
CREATE TABLE IF NOT EXISTS kvm_memtype.object (hash text PRIMARY KEY, bytes bytea NOT NULL, until timestamptz NOT NULL);
CREATE TABLE IF NOT EXISTS kvm_memtype.stopped (run text PRIMARY KEY, until timestamptz NOT NULL);
DELETE FROM kvm_memtype.object WHERE until < now();
DELETE FROM kvm_memtype.stopped WHERE until < now();`;
const UNTIL = `now() + interval '${KEEP_SECONDS} s'`;
/** Connections of a process: those that listen, for each label, and some for questions. */
const MOST_CONNECTIONS = 12;
/** BullMQ's tables are where its queries look for them, and what was said to be kept is on the disk. */
const OPTIONS = '-c search_path=bullmq -c client_min_messages=warning -c synchronous_commit=on';
/** A server that is there answers sooner, also to a file of many MB. */
const QUERY_MS = 120_000;

/** Of BullMQ's table: its own questions are about one job each. */
const FIND = 'SELECT id, state, return_value, failed_reason FROM job WHERE queue = $1 AND id = ANY($2)';

interface FoundRow {
  id: string;
  state: string;
  return_value: unknown;
  failed_reason: string | null;
}

function foundOf({ state, return_value: value, failed_reason: text }: FoundRow): Found {
  if (state === 'completed') return { state, value };
  return state === 'failed' ? { state, text: text ?? '' } : { state: 'open' };
}

/** A queue on PostgreSQL, by BullMQ's own backend. */
export class PostgresServer implements QueueServer {
  readonly address: string;
  /**
   * BullMQ numbers events when they are made, but they are seen in the order in which transactions end: of two that end at about the same time
   * the one with the lower number may come when it is no longer looked for.
   */
  readonly tellsAll = false;
  /** BullMQ makes two temporary tables each time: some 10 ms, however few the jobs are. */
  readonly gatherMs = 50;
  readonly #pool: PatientPool;

  private constructor(url: string) {
    this.address = publicUrl(url);
    this.#pool = new PatientPool({
      connectionString: pgUrl(url),
      application_name: 'kvm-memtype',
      max: MOST_CONNECTIONS,
      connectionTimeoutMillis: PATIENCE_MS,
      query_timeout: QUERY_MS,
      options: OPTIONS,
    });
  }

  /**
   * Connect, and make what tables are not there yet.
   * @throws CampaignError CAMPAIGN_QUEUE
   */
  static async open(url: string): Promise<PostgresServer> {
    const server = new PostgresServer(url);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(server.#refuse('no PostgreSQL answers', server.#pool.why)),
        PATIENCE_MS,
      );
    });
    try {
      await Promise.race([server.#prepare(), late]);
      return server;
    } catch (error) {
      await server.close();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #refuse(what: string, why: string): CampaignError {
    return new CampaignError('CAMPAIGN_QUEUE', `${what} at ${this.address}${why === '' ? '' : `: ${why}`}`);
  }

  async #prepare(): Promise<void> {
    try {
      const client = quiet(await this.#pool.connect());
      try {
        await runMigrations(client);
        await client.query(`BEGIN; SELECT pg_advisory_xact_lock(${SCHEMA_LOCK}); ${TABLES} COMMIT`);
      } finally {
        client.release(true);
      }
    } catch (error) {
      throw this.#refuse('PostgreSQL does not serve', (error as Error).message);
    }
  }

  queue(name: string): Queue {
    const queue = new Queue(name, { connection: this.#pool }, createPostgresBackend);
    return quiet(queue as unknown as Queue);
  }

  events(name: string): QueueEvents {
    const events = new QueueEvents(name, { connection: this.#pool }, createPostgresBackend);
    return quiet(events as unknown as QueueEvents);
  }

  async find(queue: Queue, ids: readonly string[]): Promise<Map<string, Found>> {
    const { rows } = await this.#pool.query<FoundRow>(FIND, [queue.name, ids]);
    return new Map(rows.map((row) => [row.id, foundOf(row)]));
  }

  worker(name: string, processor: Processor, o: TakeOptions): Worker {
    const worker = new Worker(name, processor, { ...o, connection: this.#pool }, createPostgresBackend);
    return worker as unknown as Worker;
  }

  async put(hash: string, bytes: Buffer): Promise<void> {
    await this.#pool.query(
      `INSERT INTO kvm_memtype.object VALUES ($1, $2, ${UNTIL}) ON CONFLICT (hash) DO UPDATE SET until = EXCLUDED.until`,
      [hash, bytes],
    );
  }

  async touch(hash: string): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      `UPDATE kvm_memtype.object SET until = ${UNTIL} WHERE hash = $1`,
      [hash],
    );
    return rowCount === 1;
  }

  async get(hash: string): Promise<Buffer | undefined> {
    const { rows } = await this.#pool.query<{ bytes: Buffer }>(
      'SELECT bytes FROM kvm_memtype.object WHERE hash = $1',
      [hash],
    );
    return rows[0]?.bytes;
  }

  async stopRun(run: string): Promise<void> {
    await this.#pool.query(`INSERT INTO kvm_memtype.stopped VALUES ($1, ${UNTIL}) ON CONFLICT DO NOTHING`, [
      run,
    ]);
  }

  async allowRun(run: string): Promise<void> {
    await this.#pool.query('DELETE FROM kvm_memtype.stopped WHERE run = $1', [run]);
  }

  async isStopped(run: string): Promise<boolean> {
    const { rows } = await this.#pool.query('SELECT FROM kvm_memtype.stopped WHERE run = $1', [run]);
    return rows.length > 0;
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}
