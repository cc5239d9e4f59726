import { readFileSync } from 'node:fs';
import { ownProcessId } from '../../process/owner.js';
import { CampaignError } from '../errors.js';
import type { Plan } from '../jobs/plan.js';
import { Table } from '../jobs/table.js';
import { type CampaignFolder, isUnderWay, type SavedRun } from '../store/folder.js';
import { JournalWriter, readJournal } from '../store/journal.js';
import type { CampaignRecord } from '../store/records.js';
import type { Execute } from './child.js';
import { type CampaignListener, runJobs } from './runner.js';

/** What does the jobs of a campaign. */
export interface Executor {
  execute: Execute;
  /** It is over; its jobs are to stop, where they run elsewhere. */
  close?: (o: { stopJobs: boolean }) => Promise<void>;
}

/** How a campaign is run. */
export interface Conduct {
  /** Jobs at a time; as the campaign says if not given. */
  slots?: number | undefined;
  /** What does jobs, once the campaign is known; `close` is called when it is over. */
  executor: (table: Table) => Promise<Executor>;
  listener: CampaignListener;
  signal: AbortSignal;
  /** Told of the campaign before its first job begins. */
  onBegin?: (run: SavedRun) => void;
}

/** A run is held against the one before it, whatever is kept. */
const LEAST_RUNS = 2;
const POLL_MS = 300;
/** How long a process may take to stop its jobs. */
const CANCEL_MS = 20_000;
const BOOT_ID = '/proc/sys/kernel/random/boot_id';

/**
 * Begin a run of a campaign, and run it to its end.
 * @throws CampaignError if the run before it is not over, or another process has the folder
 */
export function beginRun(folder: CampaignFolder, plan: Plan, o: Conduct): Promise<SavedRun> {
  return folder.hold(async () => {
    const last = folder.numbers().at(-1);
    if (last !== undefined && isOpen(folder, last))
      throw new CampaignError(
        'CAMPAIGN_STATE',
        `run ${last} in ${folder.path} is not over: campaign resume goes on with it, campaign cancel ends it`,
      );
    // Its images and patches are in objects/ by now: its journal must name them before what no journal names goes.
    const number = folder.add(plan);
    folder.keep(Math.max(LEAST_RUNS, plan.campaign.retention));
    return conduct(folder, number, o);
  });
}

/** Whether a run can go on. One whose journal is damaged cannot: it keeps no other back. */
function isOpen(folder: CampaignFolder, number: number): boolean {
  try {
    return folder.read(number).table.state === 'open';
  } catch (error) {
    if (error instanceof CampaignError && error.code === 'CAMPAIGN_JOURNAL') return false;
    throw error;
  }
}

/**
 * Go on with the last run of a campaign: only what was open is done.
 * @throws CampaignError if it is over, or another process has the folder
 */
export function resumeRun(folder: CampaignFolder, tool: string, o: Conduct): Promise<SavedRun> {
  return folder.hold(async () => {
    const { number, table } = folder.last();
    if (table.state !== 'open')
      throw new CampaignError(
        'CAMPAIGN_STATE',
        `run ${number} in ${folder.path} ${table.state === 'ended' ? 'is over' : 'was cancelled'}: campaign run begins another`,
      );
    if (table.plan.tool !== tool)
      throw new CampaignError(
        'CAMPAIGN_STATE',
        `run ${number} in ${folder.path} was begun by kvm-memtype ${table.plan.tool}, this is ${tool}: its jobs would be others`,
      );
    return conduct(folder, number, o);
  });
}

/** Stop at a signal, and where another process asks for the end. */
function watchCancel(folder: CampaignFolder, signal: AbortSignal) {
  const cancel = new AbortController();
  const timer = setInterval(() => {
    if (folder.isToCancel()) cancel.abort(new Error('the campaign was cancelled'));
  }, POLL_MS);
  return {
    signal: AbortSignal.any([signal, cancel.signal]),
    cancelled: cancel.signal,
    stop: () => clearInterval(timer),
  };
}

async function conduct(folder: CampaignFolder, number: number, o: Conduct): Promise<SavedRun> {
  folder.tidy();
  const file = folder.journal(number);
  const table = new Table(readJournal(file));
  const writer = new JournalWriter(file);
  const note = (record: CampaignRecord): void => {
    writer.write(record);
    table.take(record);
  };
  const watch = watchCancel(folder, o.signal);
  try {
    const executor = await o.executor(table);
    try {
      const boot = readFileSync(BOOT_ID, 'utf8').trim();
      note({ type: 'session', owner: ownProcessId(), boot, at: Date.now() });
      o.onBegin?.({ number, table });
      const { objects, scratch } = folder;
      await runJobs({
        table,
        write: (record) => writer.write(record),
        objects,
        scratch,
        slots: o.slots ?? table.plan.campaign.limits.jobs,
        execute: executor.execute,
        listener: o.listener,
        signal: watch.signal,
      });
    } finally {
      await executor.close?.({ stopJobs: watch.signal.aborted });
    }
    if (watch.cancelled.aborted) note({ type: 'cancelled', at: Date.now() });
    else if (!o.signal.aborted) note({ type: 'end', at: Date.now() });
    return { number, table };
  } finally {
    watch.stop();
    writer.close();
    folder.tidy();
  }
}

/**
 * End the last run of a campaign for good: the process that runs it, if one does, stops its jobs.
 * @throws CampaignError if it is over, or does not stop
 */
export async function cancelRun(folder: CampaignFolder): Promise<SavedRun> {
  const before = folder.last();
  if (before.table.state !== 'open')
    throw new CampaignError('CAMPAIGN_STATE', `run ${before.number} in ${folder.path} is over already`);
  if (isUnderWay(before.table)) folder.askToCancel();
  return folder.hold(async () => {
    folder.tidy();
    const after = folder.read(before.number);
    if (after.table.state !== 'open') return after;
    const writer = new JournalWriter(folder.journal(after.number));
    const record: CampaignRecord = { type: 'cancelled', at: Date.now() };
    writer.write(record);
    writer.close();
    after.table.take(record);
    return after;
  }, CANCEL_MS);
}
