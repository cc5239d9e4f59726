import type { Database } from './database.js';

/** Raised when a column changes: the tables are made again from the files then. */
const VERSION = 1;

/** Names of the tables. */
export const TABLES = {
  runs: 'kvm_memtype_runs',
  results: 'kvm_memtype_results',
  outcomes: 'kvm_memtype_outcomes',
} as const;
const VERSIONS = 'kvm_memtype_index';
const { runs, results, outcomes } = TABLES;

const DEFINITIONS = [
  `CREATE TABLE ${runs} (folder TEXT NOT NULL, number INTEGER NOT NULL, tool TEXT NOT NULL, state TEXT NOT NULL,
    started DOUBLE PRECISION NOT NULL, bytes DOUBLE PRECISION NOT NULL, PRIMARY KEY (folder, number))`,
  `CREATE TABLE ${results} (folder TEXT NOT NULL, number INTEGER NOT NULL, kernel TEXT NOT NULL, variant TEXT NOT NULL,
    job TEXT NOT NULL, kind TEXT NOT NULL, likeness TEXT NOT NULL, outcomes TEXT NOT NULL, object TEXT NOT NULL,
    seconds DOUBLE PRECISION NOT NULL, again INTEGER NOT NULL)`,
  `CREATE INDEX ${results}_run ON ${results} (folder, number)`,
  `CREATE TABLE ${outcomes} (outcomes TEXT NOT NULL, scenario TEXT NOT NULL, seen TEXT NOT NULL,
    PRIMARY KEY (outcomes, scenario))`,
];

/** Undefined where there are no tables yet. */
async function versionOf(database: Database): Promise<number | undefined> {
  const [row] = await database.all<{ version: number }>(`SELECT version FROM ${VERSIONS}`).catch(() => []);
  return row?.version;
}

/** Make the tables anew, and empty. */
const makeTables = (database: Database): Promise<void> =>
  database.atomically(async () => {
    await database.all(`CREATE TABLE IF NOT EXISTS ${VERSIONS} (version INTEGER NOT NULL PRIMARY KEY)`);
    const [row] = await database.all<{ version: number }>(`SELECT version FROM ${VERSIONS}`);
    // Another process was first.
    if (row?.version === VERSION) return;
    await database.all(`DELETE FROM ${VERSIONS}`);
    for (const table of Object.values(TABLES)) await database.all(`DROP TABLE IF EXISTS ${table}`);
    for (const definition of DEFINITIONS) await database.all(definition);
    await database.insert(VERSIONS, ['version'], [[VERSION]]);
  });

/** Make the tables, unless they are there as this version has them. */
export async function prepareTables(database: Database): Promise<void> {
  if ((await versionOf(database)) !== VERSION) await makeTables(database);
}

/** Remove what is known of a run. */
export async function removeRun(database: Database, folder: string, number: number): Promise<void> {
  for (const table of [runs, results])
    await database.all(`DELETE FROM ${table} WHERE folder = ? AND number = ?`, [folder, number]);
}

/** Remove what no result comes to any more. */
export async function removeUnnamed(database: Database): Promise<void> {
  await database.all(`DELETE FROM ${outcomes} WHERE outcomes NOT IN (SELECT outcomes FROM ${results})`);
}
