import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProcessError } from '../../process/errors.js';
import { withLock } from '../../process/lock.js';
import { isRunning } from '../../process/owner.js';
import { CampaignError } from '../errors.js';
import type { Plan } from '../jobs/plan.js';
import { Table } from '../jobs/table.js';
import { placeFile } from './durable.js';
import { JournalWriter, lineOf, readJournal } from './journal.js';
import { Objects } from './objects.js';
import { type CampaignRecord, firstRecord } from './records.js';

/** Read at a time; a hash that lies across two pieces is whole in the first, which reaches into the next. */
const PIECE = 64 << 20;
const HASH = /[0-9a-f]{64}/g;
const RUN = /^(\d{4,})\.jsonl$/;

/** A run of a campaign: its number in the folder, and what its journal tells. */
export interface SavedRun {
  number: number;
  table: Table;
}

/**
 * Where a campaign lives: `runs/<number>.jsonl`, a journal each; `objects/`, what they name; `lock`, held by the process that runs
 * it; `cancel`, which tells that process to stop; `scratch/`, what jobs write while they run.
 */
export class CampaignFolder {
  readonly objects: Objects;

  constructor(readonly path: string) {
    this.objects = new Objects(join(path, 'objects'));
  }

  /** Where jobs write while they run. */
  get scratch(): string {
    return join(this.path, 'scratch');
  }

  get #cancel(): string {
    return join(this.path, 'cancel');
  }

  /** What tells this folder from all others, also where it is moved: made when it is first asked for. */
  id(): string {
    const file = join(this.path, 'id');
    if (!existsSync(file)) placeFile(file, Buffer.from(`${randomBytes(8).toString('hex')}\n`));
    return readFileSync(file, 'utf8').trim();
  }

  /** The path of a run's journal. */
  journal(number: number): string {
    return join(this.path, 'runs', `${String(number).padStart(4, '0')}.jsonl`);
  }

  /** The numbers of all runs, the oldest first. */
  numbers(): number[] {
    const runs = join(this.path, 'runs');
    const names = existsSync(runs) ? readdirSync(runs) : [];
    return names.flatMap((name) => Number(RUN.exec(name)?.[1] ?? []) || []).sort((a, b) => a - b);
  }

  /** @throws CampaignError */
  read(number: number): SavedRun {
    const file = this.journal(number);
    if (!existsSync(file))
      throw new CampaignError(
        'CAMPAIGN_FOLDER',
        `${this.path} has no run ${number}; its runs are ${this.numbers().join(', ') || 'none'}`,
      );
    return { number, table: new Table(readJournal(file)) };
  }

  /** @throws CampaignError if there is none */
  last(): SavedRun {
    const number = this.numbers().at(-1);
    if (number !== undefined) return this.read(number);
    throw new CampaignError('CAMPAIGN_FOLDER', `${this.path} holds no campaign: campaign run makes one`);
  }

  /**
   * Begin a new run. Its journal is there with its first record, or not at all.
   * @throws CampaignError CAMPAIGN_FOLDER if it cannot be written
   */
  add(plan: Plan, first = firstRecord(plan)): number {
    const number = (this.numbers().at(-1) ?? 0) + 1;
    mkdirSync(join(this.path, 'runs'), { recursive: true });
    placeFile(this.journal(number), lineOf(first));
    return number;
  }

  /** Add a record to the journal of a run that no process writes. The folder must be held. */
  note({ number, table }: SavedRun, record: CampaignRecord): void {
    const writer = new JournalWriter(this.journal(number));
    try {
      writer.write(record);
    } finally {
      writer.close();
    }
    table.take(record);
  }

  /**
   * Hold the folder while `work` runs.
   * @param patienceMs how long to wait for another process that holds it
   * @throws CampaignError CAMPAIGN_STATE if that takes longer
   */
  async hold<T>(work: () => Promise<T>, patienceMs = 1500): Promise<T> {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), patienceMs);
    let isHeld = false;
    try {
      return await withLock(
        join(this.path, 'lock'),
        () => {
          isHeld = true;
          clearTimeout(timer);
          return work();
        },
        { signal: patience.signal },
      );
    } catch (error) {
      if (isHeld || !(error instanceof ProcessError) || error.code !== 'PROCESS_ABORTED') throw error;
      throw new CampaignError('CAMPAIGN_STATE', `another process runs the campaign in ${this.path}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ask the process that runs the campaign to stop for good. */
  askToCancel(): void {
    writeFileSync(this.#cancel, '');
  }

  isToCancel(): boolean {
    return existsSync(this.#cancel);
  }

  /** Nothing is asked, and nothing is left of jobs that were killed. */
  tidy(): void {
    rmSync(this.#cancel, { force: true });
    rmSync(this.scratch, { recursive: true, force: true });
  }

  /**
   * Remove the oldest runs but so many, and the objects that no other names. The folder must be held, and what is about to be used be in a
   * journal.
   */
  keep(runs: number): void {
    const old = this.numbers().slice(0, -runs);
    if (old.length === 0) return;
    for (const number of old) rmSync(this.journal(number));
    const named = new Set(this.numbers().flatMap((number) => hashesIn(readFileSync(this.journal(number)))));
    for (const hash of this.objects.all()) if (!named.has(hash)) this.objects.remove(hash);
  }
}

/** All that could be a hash: it names an object, or nothing. */
function hashesIn(bytes: Buffer): string[] {
  const found = new Set<string>();
  for (let at = 0; at < bytes.length; at += PIECE)
    for (const [hash] of bytes.toString('latin1', at, at + PIECE + 63).matchAll(HASH)) found.add(hash);
  return [...found];
}

/** Whether a process runs a campaign just now. */
export const isUnderWay = ({ owner, state }: Table): boolean =>
  state === 'open' && owner !== undefined && isRunning(owner);
