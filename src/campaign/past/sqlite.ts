import { rmSync } from 'node:fs';
import type BetterSqlite3 from 'better-sqlite3';
import { CampaignError } from '../errors.js';
import type { Database, Value } from './database.js';

/** How long another process may write. */
const PATIENCE_MS = 30_000;

/** The library is optional: it has to be built for the release of Node.js, which not every machine can do. */
async function library(): Promise<typeof BetterSqlite3> {
  try {
    const { default: Sqlite } = await import('better-sqlite3');
    // What was compiled is loaded by the first database only.
    new Sqlite(':memory:').close();
    return Sqlite;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ERR_MODULE_NOT_FOUND'
        ? 'is not installed: npm install better-sqlite3 does that'
        : 'is not built for this Node.js: npm rebuild better-sqlite3 does that';
    throw new CampaignError('CAMPAIGN_INDEX', `better-sqlite3, which keeps an index of them, ${why}`, {
      cause: error,
    });
  }
}

const DAMAGED = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB']);

/** Whether a file of SQLite cannot be read for what is in it. */
export const isDamaged = (error: unknown): boolean => {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && DAMAGED.has(code.split('_').slice(0, 2).join('_'));
};

/** Remove a database, and what SQLite has beside it. */
export function removeSqlite(path: string): void {
  for (const more of ['', '-wal', '-shm', '-journal']) rmSync(path + more, { force: true });
}

/**
 * Open a file of SQLite, made if it is not there.
 * @throws CampaignError CAMPAIGN_INDEX if the library is not there
 */
export async function openSqlite(path: string): Promise<Database> {
  const Sqlite = await library();
  const database = new Sqlite(path, { timeout: PATIENCE_MS });
  // It can be made again: speed counts for more than what a power cut leaves.
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = OFF');
  return {
    async all<Row>(sql: string, values: readonly Value[] = []) {
      const statement = database.prepare<Value[], Row>(sql);
      if (statement.reader) return statement.all(...values);
      statement.run(...values);
      return [];
    },
    async insert(table, columns, rows) {
      const marks = columns.map(() => '?').join(', ');
      const statement = database.prepare<Value[]>(
        `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks}) ON CONFLICT DO NOTHING`,
      );
      for (const row of rows) statement.run(...row);
    },
    async atomically(work) {
      database.exec('BEGIN IMMEDIATE');
      try {
        await work();
        database.exec('COMMIT');
      } catch (error) {
        if (database.inTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
    async close() {
      database.close();
    },
  };
}
