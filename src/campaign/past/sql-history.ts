import { statSync } from 'node:fs';
import { isBad } from '../../report/summary.js';
import type { Status } from '../../report/types.js';
import type { Took } from '../jobs/estimate.js';
import type { Results } from '../report/read.js';
import type { CampaignFolder } from '../store/folder.js';
import type { Database } from './database.js';
import { type Entry, type History, notPlain, type PastRun } from './history.js';
import { orLeftOut, type Tell } from './left-out.js';
import { Outcomes } from './outcomes.js';
import { type Past, placeOf } from './past.js';
import { rowsOf } from './rows.js';
import { prepareTables, removeRun, removeUnnamed, TABLES } from './tables.js';

const { runs, results, outcomes } = TABLES;
const RESULT_COLUMNS = [
  ...['folder', 'number', 'kernel', 'variant', 'job', 'kind'],
  ...['likeness', 'outcomes', 'object', 'seconds', 'again'],
];
/** How several statuses of one scenario stand in a column. */
const SEPARATOR = '\n';

const ENDED = `r.folder = ? AND r.state = 'ended'`;
const JOINED = `FROM ${runs} r JOIN ${results} s ON s.folder = r.folder AND s.number = r.number`;

/** Whether a row of a run is what its journal says: a journal that is over does not change. */
const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? -1;

/** History in a database: made from the files of a campaign, which stay the truth. */
export class SqlHistory implements History {
  private constructor(
    private readonly database: Database,
    private readonly folder: CampaignFolder,
    private readonly results: Results,
    /** Tells folders apart that share a database. */
    private readonly id: string,
    private readonly tell: Tell,
  ) {}

  /**
   * What is not in the database yet is put there.
   * @param before runs before this one only
   * @param id tells folders apart that share a database
   * @param tell told of runs that cannot be read, which are left out
   */
  static async open(
    database: Database,
    folder: CampaignFolder,
    results: Results,
    { before, id, tell }: { before: number; id: string; tell: Tell },
  ): Promise<SqlHistory> {
    await prepareTables(database);
    const history = new SqlHistory(database, folder, results, id, tell);
    await history.#sync(before);
    return history;
  }

  async #sync(before: number): Promise<void> {
    const rows = await this.database.all<{ number: number; bytes: number }>(
      `SELECT number, bytes FROM ${runs} WHERE folder = ?`,
      [this.id],
    );
    const known = new Map(rows.map(({ number, bytes }) => [number, bytes]));
    const numbers = this.folder.numbers();
    const gone = [...known.keys()].filter((number) => !numbers.includes(number));
    const fresh = numbers.filter(
      (number) => number < before && known.get(number) !== sizeOf(this.folder.journal(number)),
    );
    for (const number of gone)
      await this.database.atomically(() => removeRun(this.database, this.id, number));
    if (gone.length > 0) await removeUnnamed(this.database);
    const seen = new Outcomes(this.results);
    for (const number of fresh) await this.#add(number, seen);
  }

  async #add(number: number, seen: Outcomes): Promise<void> {
    const bytes = sizeOf(this.folder.journal(number));
    const read = () => {
      const { table } = this.folder.read(number);
      return { table, rows: table.state === 'open' ? undefined : rowsOf(table, seen) };
    };
    const { table, rows } = orLeftOut(`run ${number}`, read, this.tell) ?? {};
    await this.database.atomically(async () => {
      const { database, id } = this;
      await removeRun(database, id, number);
      if (table === undefined || rows === undefined) return;
      const { plan, state, startedAt } = table;
      const run = { folder: id, number, tool: plan.tool, state, started: startedAt, bytes };
      await database.insert(runs, Object.keys(run), [Object.values(run)]);
      await database.insert(
        results,
        RESULT_COLUMNS,
        rows.results.map((row) => [
          ...[id, number, row.kernel, row.variant, row.job, row.kind],
          ...[row.likeness, row.outcomes, row.object, row.seconds, Number(row.again)],
        ]),
      );
      const own = [...rows.outcomes].flatMap(([key, all]) =>
        all.map(({ scenario, seen: statuses }) => [key, scenario, statuses.join(SEPARATOR)]),
      );
      await database.insert(outcomes, ['outcomes', 'scenario', 'seen'], own);
    });
  }

  async past(number: number): Promise<Past> {
    const [{ last = null } = {}] = await this.database.all<{ last: number | null }>(
      `SELECT MAX(r.number) AS last FROM ${runs} r WHERE ${ENDED} AND r.number < ?`,
      [this.id, number],
    );
    if (last === null) return { before: undefined, seen: new Map() };
    const rows = await this.database.all<{ job: string; outcomes: string; object: string }>(
      `SELECT s.job AS job, s.outcomes AS outcomes, MIN(s.object) AS object ${JOINED}
        WHERE ${ENDED} AND r.number < ? GROUP BY s.job, s.outcomes`,
      [this.id, number],
    );
    const seen = new Map<string, { digest: string; object: string }[]>();
    for (const { job, outcomes: key, object } of rows) {
      const one = { digest: key.slice(key.indexOf(':') + 1), object };
      const own = seen.get(job);
      if (own === undefined) seen.set(job, [one]);
      else own.push(one);
    }
    return { before: await this.#statuses(last), seen };
  }

  async #statuses(number: number): Promise<Map<string, Status>> {
    const found = new Map<string, Status>();
    for (const { kernel, variant, scenario, seen } of await this.#entries('AND r.number = ?', [number])) {
      const place = placeOf(kernel, variant, scenario);
      const before = found.get(place);
      if (before === undefined || !isBad(before)) found.set(place, seen[0] as Status);
    }
    return found;
  }

  async #entries(condition: string, values: number[]): Promise<Entry[]> {
    const rows = await this.database.all<Omit<Entry, 'seen'> & { seen: string }>(
      `SELECT s.number AS number, s.kernel AS kernel, s.variant AS variant, o.scenario AS scenario, o.seen AS seen
        ${JOINED} JOIN ${outcomes} o ON o.outcomes = s.outcomes
        WHERE ${ENDED} AND s.kind = 'run' ${condition}
        ORDER BY s.number`,
      [this.id, ...values],
    );
    return rows.map((row) => ({ ...row, seen: row.seen.split(SEPARATOR) }));
  }

  async entries({ all }: { all: boolean }): Promise<Entry[]> {
    const bad = `AND o.scenario IN (SELECT scenario FROM ${outcomes} WHERE seen NOT IN ('pass', 'skip'))`;
    return all ? this.#entries('', []) : notPlain(await this.#entries(bad, []));
  }

  /** Of all campaigns that share the database. */
  async took(): Promise<Took[]> {
    return this.database.all<Took>(
      `SELECT s.likeness AS likeness, SUM(s.seconds) AS seconds, CAST(COUNT(*) AS INTEGER) AS count ${JOINED}
        WHERE r.state = 'ended' AND s.again = 0 GROUP BY s.likeness`,
    );
  }

  runs(): Promise<PastRun[]> {
    return this.database.all<PastRun>(
      `SELECT r.number AS number, r.tool AS tool, r.started AS "startedAt" FROM ${runs} r WHERE ${ENDED} ORDER BY r.number`,
      [this.id],
    );
  }

  close(): Promise<void> {
    return this.database.close();
  }
}
