import pg from 'pg';
import { CampaignError } from '../errors.js';
import { addressOf } from './address.js';
import type { Database, Value } from './database.js';
import { pgUrl } from './pg-url.js';

/** How long the server may take to answer at first. */
const PATIENCE_MS = 10_000;
/** Rows that are sent at a time. */
const BATCH = 5_000;
/** Only one process writes at a time. */
const LOCK = 0x6b766d69;
const SCHEMA = 'kvm_memtype';
/** Held by whoever makes the schema, which an index and a queue share: of two that do so at the same time one would fail. */
export const SCHEMA_LOCK = 0x6b766d6d;

/** What PostgreSQL has no text for. */
const storable = (value: Value): Value => (typeof value === 'string' ? value.replaceAll('\0', '') : value);

/** `?` by `$1`, `$2`, ... */
function numbered(sql: string): string {
  let count = 0;
  return sql.replace(/\?/g, () => `$${++count}`);
}

async function connected(url: string): Promise<pg.Client> {
  const address = addressOf(url);
  const client = new pg.Client({
    connectionString: pgUrl(url),
    application_name: 'kvm-memtype',
    connectionTimeoutMillis: PATIENCE_MS,
    options: `-c search_path=${SCHEMA} -c client_min_messages=warning`,
  });
  // It is told by what is asked next: an event that nobody listens to would end the program.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(
      `BEGIN; SELECT pg_advisory_xact_lock(${SCHEMA_LOCK}); CREATE SCHEMA IF NOT EXISTS ${SCHEMA}; COMMIT`,
    );
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw new CampaignError('CAMPAIGN_INDEX', `${address} cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Open a database of PostgreSQL, which several campaigns may share.
 * @throws CampaignError CAMPAIGN_INDEX if it does not answer
 */
export async function openPostgres(url: string): Promise<Database> {
  const client = await connected(url);
  return {
    async all<Row>(sql: string, values: readonly Value[] = []) {
      const { rows } = await client.query(numbered(sql), [...values]);
      return rows as Row[];
    },
    async insert(table, columns, rows) {
      const names = columns.join(', ');
      const sql = `INSERT INTO ${table} (${names}) SELECT ${names} FROM json_populate_recordset(NULL::${table}, $1) ON CONFLICT DO NOTHING`;
      for (let at = 0; at < rows.length; at += BATCH) {
        const objects = rows
          .slice(at, at + BATCH)
          .map((row) => Object.fromEntries(row.map((value, i) => [columns[i], storable(value)])));
        await client.query(sql, [JSON.stringify(objects)]);
      }
    },
    async atomically(work) {
      await client.query('BEGIN');
      try {
        await client.query(`SELECT pg_advisory_xact_lock(${LOCK})`);
        await work();
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {});
        throw error;
      }
    },
    close: () => client.end(),
  };
}
