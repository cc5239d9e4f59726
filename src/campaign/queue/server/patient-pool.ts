import { setTimeout as sleep } from 'node:timers/promises';
import type { PgPool, PgPoolClient, PgQueryResult } from 'bullmq';
import pg from 'pg';

/** SQLSTATEs of a server that goes away, comes up, or has no connection left. */
const AWAY = /^(?:08...|57P0[123]|53300)$/;
/** What a socket says, and what `pg` says of one that is gone. */
const GONE =
  /^(?:ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)|Connection terminated|timeout/i;
const FIRST_WAIT_MS = 50;
const MOST_WAIT_MS = 2_000;
/** Whoever asks at once again after an error, as a worker of BullMQ does, is kept from using up a processor. */
const AFTER_ERROR_MS = 500;

/** Whether a server is away, rather than that it refuses what it was asked. */
export function isAway(error: unknown): boolean {
  const { code = '', message = '' } = error as NodeJS.ErrnoException;
  return AWAY.test(code) || GONE.test(code) || (code === '' && GONE.test(message));
}

/**
 * Connections to PostgreSQL that wait for the server where it is away, as those of ioredis do: what was asked is asked again until there is an answer.
 * All that BullMQ asks bears that, as do our own questions: what was done already is not done again.
 */
export class PatientPool implements PgPool {
  readonly options = { keepAlive: true };
  readonly #pool: pg.Pool;
  #isOver = false;
  #why = '';

  constructor(config: pg.PoolConfig) {
    this.#pool = new pg.Pool({ ...config, ...this.options });
    this.#pool.on('error', () => {}); // One that was idle is gone: the next is made anew.
  }

  /** Why the server did not answer the last time that it did not. */
  get why(): string {
    return this.#why;
  }

  query<R = unknown>(text: string, values?: readonly unknown[]): Promise<PgQueryResult<R>> {
    const ask = (): Promise<unknown> => this.#pool.query(text, values as unknown[]);
    return this.#patient(ask) as Promise<PgQueryResult<R>>;
  }

  connect(): Promise<PgPoolClient> {
    return this.#patient(() => this.#pool.connect()) as unknown as Promise<PgPoolClient>;
  }

  on(event: 'error' | 'connect', listener: (...args: never[]) => void): this {
    this.#pool.on(event as 'error', listener as () => void);
    return this;
  }

  removeAllListeners(): this {
    return this;
  }

  /** Wait no longer, and close what is open. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#pool.end();
  }

  async #patient<T>(ask: () => Promise<T>): Promise<T> {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(MOST_WAIT_MS, wait * 2)) {
      try {
        return await ask();
      } catch (error) {
        const isOver = this.#isOver || !isAway(error);
        this.#why = (error as Error).message || String((error as NodeJS.ErrnoException).code);
        await sleep(isOver ? AFTER_ERROR_MS : wait);
        if (isOver) throw error;
      }
    }
  }
}
