import { readFileSync } from 'node:fs';
import { ownProcessId } from '../../process/owner.js';
import { CampaignError } from '../errors.js';
import type { Plan } from '../jobs/plan.js';
import { Table } from '../jobs/table.js';
import type { CampaignFolder, SavedRun } from '../store/folder.js';
import { JournalWriter } from '../store/journal.js';
import { type CampaignRecord, firstRecord } from '../store/records.js';
import type { Execute } from './child.js';
import { withImages } from './images.js';
import { type CampaignListener, runJobs } from './runner.js';

/** What does the jobs of a campaign. */
export interface Executor {
  execute: Execute;
  /** Where the queue is that jobs are put into, without what is secret. */
  queue?: string;
  /** It is over; its jobs are to stop, where they run elsewhere. */
  close?: (o: { stopJobs: boolean }) => Promise<void>;
}

/** How a campaign is run. */
export interface Conduct {
  /** Jobs at a time; as the campaign says if not given. */
  slots?: number | undefined;
  /** What does jobs, once the campaign is known; `close` is called when it is over. Nothing is begun if it rejects. */
  executor: (table: Table) => Promise<Executor>;
  listener: CampaignListener;
  signal: AbortSignal;
  /** Told of the campaign before its first job begins. */
  onBegin?: (run: SavedRun) => void;
}

/** A run is held against the one before it, whatever is kept. */
const LEAST_RUNS = 2;
const POLL_MS = 300;
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
    const first = firstRecord(plan);
    return conduct(folder, o, new Table([first]), () => {
      // Its images and patches are in objects/ by now: its journal must name them before what no journal names goes.
      const number = folder.add(plan, first);
      folder.keep(Math.max(LEAST_RUNS, plan.campaign.retention));
      return number;
    });
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
    return conduct(folder, o, table, () => number);
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

/**
 * Connect to what does jobs, and have it do them: a run that nothing can do is not begun.
 * @param begin gives the number of the run, whose journal is there then
 */
async function conduct(
  folder: CampaignFolder,
  o: Conduct,
  table: Table,
  begin: () => number,
): Promise<SavedRun> {
  folder.tidy();
  const executor = await o.executor(table);
  const watch = watchCancel(folder, o.signal);
  let run: SavedRun;
  try {
    run = { number: begin(), table };
    await doJobs(folder, run, { ...o, signal: watch.signal }, executor);
  } finally {
    watch.stop();
    await executor.close?.({ stopJobs: watch.signal.aborted });
    folder.tidy();
  }
  if (watch.cancelled.aborted) folder.note(run, { type: 'cancelled', at: Date.now() });
  else if (!o.signal.aborted) folder.note(run, { type: 'end', at: Date.now() });
  return run;
}

async function doJobs(
  folder: CampaignFolder,
  run: SavedRun,
  { slots, listener, signal, onBegin }: Conduct,
  { execute: plain, queue }: Executor,
): Promise<void> {
  const { table } = run;
  const { objects, scratch } = folder;
  const writer = new JournalWriter(folder.journal(run.number));
  const write = (record: CampaignRecord): void => writer.write(record);
  const boot = readFileSync(BOOT_ID, 'utf8').trim();
  const most = slots ?? table.plan.campaign.limits.jobs;
  const session: CampaignRecord = {
    type: 'session',
    owner: ownProcessId(),
    boot,
    ...(queue === undefined ? { slots: most } : { queue }),
    at: Date.now(),
  };
  try {
    write(session);
    table.take(session);
    onBegin?.(run);
    const execute = withImages(table, objects, plain);
    await runJobs({ table, write, objects, scratch, slots: most, execute, listener, signal });
  } finally {
    writer.close();
  }
}
