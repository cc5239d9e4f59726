import { closeSync, fdatasyncSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { safeJson } from '../../text/safe.js';
import { CampaignError } from '../errors.js';
import { cannotWrite, writeAll } from './durable.js';
import { type CampaignRecord, campaignRecord } from './records.js';

/** A line that was being written when its process ended is no record: its end is missing. */
const wholeLength = (bytes: Buffer): number => bytes.lastIndexOf(0x0a) + 1;

/** Its lines one by one: all of a large journal's would not fit into one string. */
function* linesOf(bytes: Buffer): Generator<string> {
  const length = wholeLength(bytes);
  for (let at = 0; at < length; ) {
    const end = bytes.indexOf(0x0a, at);
    yield bytes.toString('utf8', at, end);
    at = end + 1;
  }
}

function recordOf(line: string, number: number, file: string): CampaignRecord {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    json = undefined;
  }
  const parsed = campaignRecord.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const why = json === undefined ? 'it is not JSON' : `${issue?.path.join('.') || 'it'}: ${issue?.message}`;
  throw new CampaignError('CAMPAIGN_JOURNAL', `${file}: line ${number} is no record of a campaign: ${why}`);
}

/**
 * The records of a journal, but for half a last line.
 * @throws CampaignError CAMPAIGN_JOURNAL
 */
export function* readJournal(file: string): Generator<CampaignRecord> {
  let number = 0;
  for (const line of linesOf(readFileSync(file))) {
    const record = recordOf(line, ++number, file);
    if (number === 1 && record.type !== 'campaign') number = 0;
    if (number === 0) break;
    yield record;
  }
  if (number === 0)
    throw new CampaignError('CAMPAIGN_JOURNAL', `${file} does not begin as a campaign's journal does`);
}

/** A record as a line of a journal. */
export const lineOf = (record: CampaignRecord): Buffer =>
  Buffer.from(`${safeJson(JSON.stringify(record))}\n`);

/** The file to which records are appended. What is written stays, whatever becomes of the process or the machine. */
export class JournalWriter {
  readonly #fd: number;
  /** Up to the end of the last whole record. */
  #length: number;

  /** Take away half a last line that a process left which was killed. */
  constructor(private readonly file: string) {
    this.#fd = openSync(file, 'a+');
    this.#length = wholeLength(readFileSync(file));
    ftruncateSync(this.#fd, this.#length);
  }

  /**
   * The disk has the record when this returns: what comes next may take the machine along.
   * @throws CampaignError CAMPAIGN_FOLDER: nothing of the record is in the journal
   */
  write(record: CampaignRecord): void {
    const line = lineOf(record);
    try {
      writeAll(this.#fd, line);
      fdatasyncSync(this.#fd);
    } catch (error) {
      // Else the next record would join what is there of this one.
      ftruncateSync(this.#fd, this.#length);
      throw cannotWrite(this.file, error);
    }
    this.#length += line.length;
  }

  close(): void {
    closeSync(this.#fd);
  }
}
