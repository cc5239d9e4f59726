import { join } from 'node:path';
import { CampaignError } from '../errors.js';
import type { Results } from '../report/read.js';
import type { CampaignFolder } from '../store/folder.js';
import { addressOf } from './address.js';
import type { Database } from './database.js';
import { FileHistory, type History } from './history.js';
import { onceOnly, type Tell } from './left-out.js';
import { SafeHistory } from './safe-history.js';
import { SqlHistory } from './sql-history.js';
import { isDamaged, openSqlite, removeSqlite } from './sqlite.js';

/** Where the history of a campaign is looked up. */
export interface HistoryOptions {
  folder: CampaignFolder;
  results: Results;
  /** Only of runs before this one. */
  before?: number;
  /** Of a PostgreSQL that has the index; a file in the folder if not given. */
  url?: string | undefined;
  /** Told why there is no index, and of runs that cannot be read: a sentence each. */
  tell: Tell;
}

/** The file of a campaign's index. */
export const indexFile = ({ path }: CampaignFolder): string => join(path, 'index.sqlite');

/** What is said where a folder cannot be written. */
const READ_ONLY = /^SQLITE_(?:READONLY|CANTOPEN|FULL|IOERR|BUSY)|^E(?:ACCES|ROFS|NOSPC)$/;

/** Only then is PostgreSQL's client loaded. */
const openDatabase = async ({ folder, url }: HistoryOptions): Promise<Database> =>
  url === undefined ? openSqlite(indexFile(folder)) : (await import('./postgres.js')).openPostgres(url);

async function openIndex(o: HistoryOptions): Promise<SqlHistory> {
  const { folder, results, before = Number.POSITIVE_INFINITY, url, tell } = o;
  const database = await openDatabase(o);
  try {
    // A file in the folder is of this campaign alone.
    const id = url === undefined ? '' : folder.id();
    return await SqlHistory.open(database, folder, results, { before, id, tell });
  } catch (error) {
    await database.close().catch(() => {});
    throw error;
  }
}

/** The same, from the files again where what is there cannot be read. */
async function openOrMake(o: HistoryOptions): Promise<SqlHistory> {
  try {
    return await openIndex(o);
  } catch (error) {
    if (!isDamaged(error)) throw error;
    removeSqlite(indexFile(o.folder));
    return openIndex(o);
  }
}

/** Why there can be no index; undefined if the error is about something else. Of a server, whatever it says is a reason. */
function whyNone(error: unknown, { folder, url }: HistoryOptions): string | undefined {
  if (error instanceof CampaignError && error.code === 'CAMPAIGN_INDEX') return error.message;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (url !== undefined) return `${addressOf(url)} cannot be used: ${message}`;
  return READ_ONLY.test(code) ? `${indexFile(folder)} cannot be written (${message})` : undefined;
}

/** Open what is known of the runs of a campaign that are over: an index if there can be one, else the files that it would be made from. */
export async function openHistory(given: HistoryOptions): Promise<History> {
  const o = { ...given, tell: onceOnly(given.tell) };
  const { folder, results, before = Number.POSITIVE_INFINITY } = o;
  const files = new FileHistory(folder, results, o.tell);
  if (!folder.numbers().some((number) => number < before)) return files;
  const onFail = (error: unknown): void => {
    const why = whyNone(error, o);
    if (why === undefined) throw error;
    const text = `earlier runs are read from all their files, which takes longer: ${why}`;
    // One that was asked for should be there.
    o.tell(text, o.url === undefined ? 'info' : 'warn');
  };
  try {
    return new SafeHistory(await openOrMake(o), files, onFail);
  } catch (error) {
    onFail(error);
    return files;
  }
}
