import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { planOf } from '../../../campaign/file/kernels.js';
import { estimate, type Took } from '../../../campaign/jobs/estimate.js';
import { jobTitle } from '../../../campaign/jobs/job.js';
import { verdictOf } from '../../../campaign/jobs/result.js';
import type { Table } from '../../../campaign/jobs/table.js';
import { renderMarkdown } from '../../../campaign/report/markdown.js';
import { statusOf } from '../../../campaign/report/model.js';
import { beginRun, type Conduct, resumeRun } from '../../../campaign/run/conduct.js';
import { LOSS_WORDS } from '../../../campaign/run/losses.js';
import type { CampaignFolder, SavedRun } from '../../../campaign/store/folder.js';
import { Objects } from '../../../campaign/store/objects.js';
import { safeText } from '../../../text/safe.js';
import { addHelp, USAGE_STATUS } from '../../options/help.js';
import { outputFolder, whole } from '../../options/values.js';
import { interrupted } from '../../terminal/interrupt.js';
import { log } from '../../terminal/log.js';
import { type Progress, withProgress } from '../../terminal/progress.js';
import { findFolder, makeFolder, openFolder, readCampaign, toolText } from './folder.js';
import { indexUrl, withIndex } from './index-url.js';
import { loadReport, withHistory } from './load.js';
import { executorOf, queueOption, queueUrl } from './queue.js';
import { planJson, planText, statusText } from './text.js';

interface RunOptions {
  folder?: string;
  jobs?: number;
  queue?: string;
  index?: string;
}

const MOST_JOBS = 100_000;
/** Jobs that wait in a queue at a time, if nothing else is said. */
const QUEUED_JOBS = 1000;
const STATUSES = [
  [0, 'something passed and nothing is wrong'],
  [1, 'a check failed, or a job has no result'],
  USAGE_STATUS,
  [4, 'everything was skipped'],
] as const;

/** How long the jobs of earlier runs took. */
const tookIn = (folder: CampaignFolder, options: RunOptions): Promise<Took[]> =>
  withHistory(folder, { url: indexUrl(options) }, (history) => history.took());

async function plan(file: string, options: RunOptions & { json?: boolean }): Promise<void> {
  const { campaign, folder } = await readCampaign(file);
  const scratch = mkdtempSync(join(tmpdir(), 'kvm-memtype-plan-'));
  try {
    const planned = await planOf(campaign, folder, toolText(), new Objects(scratch));
    const took = await tookIn(findFolder(file, options.folder), options);
    const text = options.json === true ? planJson : planText;
    process.stdout.write(safeText(text(planned, estimate(planned, took), options.jobs)));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Tell of jobs as they end. */
function listenerOf(progress: Progress, table: () => Table | undefined): Conduct['listener'] {
  const show = (text: string): void => {
    const counts = table()?.counts();
    if (counts === undefined) return;
    const { done, lost, waiting, running, unknown } = counts;
    progress.update(text, { done: done + lost, total: done + lost + waiting + running + unknown });
  };
  return {
    begun: ({ job }) => show(jobTitle(job)),
    progress: ({ job }, { done, total }) => show(`${jobTitle(job)}: ${done}/${total}`),
    done: ({ job }, result) => {
      show(jobTitle(job));
      const isBad = verdictOf(result) === 'fail';
      if (isBad) log().warn(`${jobTitle(job)}: something failed`);
      else log().debug(`${jobTitle(job)}: done`);
    },
    lost: ({ job, state, loss }) => {
      const next = state === 'lost' ? 'it is set aside' : 'it is tried again';
      if (loss !== undefined) log().warn(`${jobTitle(job)}: ${LOSS_WORDS[loss.loss]}: ${loss.text}; ${next}`);
    },
  };
}

/** Run what is open, show how far it is, and tell in the end what it came to. */
async function conducted(
  title: string,
  folder: CampaignFolder,
  options: RunOptions,
  go: (o: Conduct) => Promise<SavedRun>,
  onBegin: (run: SavedRun) => void = () => {},
): Promise<void> {
  const { jobs } = options;
  let table: Table | undefined;
  const queue = queueUrl(options.queue);
  const slots = jobs ?? (queue === undefined ? undefined : QUEUED_JOBS);
  const { number, table: last } = await withProgress(title, (progress) =>
    go({
      slots,
      executor: executorOf(queue),
      listener: listenerOf(progress, () => table),
      signal: interrupted,
      onBegin: (run) => {
        table = run.table;
        onBegin(run);
      },
    }),
  );
  if (interrupted.aborted) {
    log().warn(`run ${number} is not over: campaign resume ${folder.path} goes on with it`);
    return;
  }
  const { report } = await loadReport(folder, { number, table: last }, indexUrl(options));
  process.stdout.write(renderMarkdown(report, { noTimes: false }));
  process.exitCode = statusOf(report);
}

async function run(file: string, options: RunOptions): Promise<void> {
  const { campaign, folder: base } = await readCampaign(file);
  const folder = makeFolder(file, options.folder);
  const planned = await planOf(campaign, base, toolText(), folder.objects);
  await conducted(`campaign ${campaign.campaign}`, folder, options, (o) => beginRun(folder, planned, o));
}

async function resume(given: string, options: RunOptions): Promise<void> {
  const folder = openFolder(given);
  const go = (o: Conduct) => resumeRun(folder, toolText(), o);
  await conducted('the campaign', folder, options, go, (run) => tellOfChange(given, run));
}

/** A run goes on as it was planned, whatever its file says by now. */
function tellOfChange(file: string, { number, table }: SavedRun): void {
  const info = statSync(file, { throwIfNoEntry: false });
  if (info?.isFile() !== true || info.mtimeMs <= table.startedAt) return;
  log().warn(`${file} was written after run ${number} began, which goes on as it was planned then`);
}

const JOBS = ['--jobs <n>', 'jobs at a time; as the file says if not given', whole(1, MOST_JOBS)] as const;
const jobsOption = (command: Command): Command =>
  withIndex(command)
    .option(...JOBS)
    .option('--queue <url>', 'have workers do the jobs, through this queue', queueOption);
const FOLDER = ['--folder <path>', 'where results go; <file>.campaign if not given', outputFolder] as const;

/** `kvm-memtype campaign plan <file>`. */
export const planCommand = (): Command =>
  withIndex(
    addHelp(new Command('plan'), {
      what: 'Print the jobs of a campaign, and how long it will take: by how long its like took before. Nothing is run.',
      examples: [
        ['campaign plan nightly.yaml', 'how many jobs, on which kernels, and for how long'],
        ['campaign plan nightly.yaml --json', 'each of the jobs, for a program'],
      ],
      statuses: [[0, 'the file can be run'], USAGE_STATUS],
    }),
  )
    .summary('print the jobs of a campaign, and what they will take')
    .argument('<file>', 'a campaign as YAML')
    .option(...FOLDER)
    .option(...JOBS)
    .option('--json', 'each job, as JSON')
    .action(plan);

/** `kvm-memtype campaign run <file>`. */
export const runCampaignCommand = (): Command =>
  jobsOption(
    addHelp(new Command('run'), {
      what:
        'Begin a new run of a campaign, and run it to its end. What is done is in a journal: after a kill at any moment, campaign resume goes on. ' +
        'The report goes to stdout as Markdown.',
      examples: [
        ['campaign run nightly.yaml', 'results go into nightly.campaign'],
        ['campaign run nightly.yaml --jobs 4 --folder /srv/nightly', 'four jobs at a time; results go there'],
      ],
      statuses: [...STATUSES],
    })
      .summary('begin a run of a campaign, and run it to its end')
      .argument('<file>', 'a campaign as YAML')
      .option(...FOLDER),
  ).action(run);

/** `kvm-memtype campaign resume <campaign>`. */
export const resumeCommand = (): Command =>
  jobsOption(
    addHelp(new Command('resume'), {
      what: 'Go on with a run that was killed or interrupted: what is done stays, what was open is done.',
      examples: [
        ['campaign resume nightly.yaml', 'the last run in nightly.campaign'],
        ['campaign resume /srv/nightly --jobs 4', 'the last run in that folder'],
      ],
      statuses: [...STATUSES],
    })
      .summary('go on with a run that was killed')
      .argument('<campaign>', 'its file, or the folder of its results'),
  ).action(resume);

/** `kvm-memtype campaign status <campaign>`. */
export const statusCommand = (): Command =>
  withIndex(
    addHelp(new Command('status'), {
      what: 'Tell how far the last run of a campaign is: also while it runs.',
      examples: [
        ['campaign status nightly.yaml', 'how many jobs are done, which run, how long the rest will take'],
        ['campaign status nightly.yaml --json', 'the same for a program'],
      ],
      statuses: [[0, 'it was told'], USAGE_STATUS],
    }),
  )
    .summary('tell how far a campaign is')
    .argument('<campaign>', 'its file, or the folder of its results')
    .option('--json', 'as JSON')
    .action(async (given: string, { json, ...options }: RunOptions & { json?: boolean }) => {
      const folder = openFolder(given);
      process.stdout.write(statusText(folder.last(), await tookIn(folder, options), json === true));
    });
