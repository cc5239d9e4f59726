import { closeSync, fdatasyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { safeJson } from '../../text/safe.js';
import { CampaignError } from '../errors.js';
import { type CampaignRecord, campaignRecord } from './records.js';

/** A line that was being written when its process ended is no record: its end is missing. */
function wholeLines(bytes: Buffer): { lines: string[]; length: number } {
  const length = bytes.lastIndexOf(0x0a) + 1;
  const text = bytes.subarray(0, length).toString();
  return { lines: text === '' ? [] : text.slice(0, -1).split('\n'), length };
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
export function readJournal(file: string): CampaignRecord[] {
  const { lines } = wholeLines(readFileSync(file));
  const records = lines.map((line, i) => recordOf(line, i + 1, file));
  if (records[0]?.type === 'campaign') return records;
  throw new CampaignError('CAMPAIGN_JOURNAL', `${file} does not begin as a campaign's journal does`);
}

/** The file to which records are appended. What is written stays, whatever becomes of the process or the machine. */
export class JournalWriter {
  readonly #fd: number;

  /** Take away half a last line that a process left which was killed. */
  constructor(file: string) {
    this.#fd = openSync(file, 'a+');
    ftruncateSync(this.#fd, wholeLines(readFileSync(file)).length);
  }

  /** The disk has the record when this returns: what comes next may take the machine along. */
  write(record: CampaignRecord): void {
    writeSync(this.#fd, `${safeJson(JSON.stringify(record))}\n`);
    fdatasyncSync(this.#fd);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
