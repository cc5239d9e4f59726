import { Command } from 'commander';
import type { PastRun } from '../../../campaign/past/history.js';
import { LEGEND, marks, type TimeLine, timeLines } from '../../../campaign/past/timeline.js';
import { counted } from '../../../campaign/report/words.js';
import { matcher } from '../../../session/select.js';
import { safeText } from '../../../text/safe.js';
import { textTable } from '../../../text/table.js';
import { addHelp, USAGE_STATUS } from '../../options/help.js';
import { openFolder } from './folder.js';
import { indexUrl, withIndex } from './index-url.js';
import { withHistory } from './load.js';

interface HistoryCommandOptions {
  kernel?: string;
  scenarios?: string[];
  json?: boolean;
  index?: string;
}

/** Most runs that a line shows. */
const MOST_RUNS = 60;

const sinceText = ({ since }: TimeLine): string =>
  since === undefined
    ? ''
    : `since run ${since.number}, ${new Date(since.startedAt).toISOString().slice(0, 10)}, ${since.tool}`;

function linesText(lines: readonly TimeLine[], runs: readonly PastRun[]): string {
  if (lines.length === 0) return `nothing failed in ${counted(runs.length, 'run')}\n`;
  const shown = runs.slice(-MOST_RUNS);
  const rows = lines.map((line) => [
    line.scenario,
    `${line.kernel}, ${line.variant}`,
    marks(line.seen, MOST_RUNS),
    `${line.failed}/${line.seen.filter((one) => one !== undefined).length}`,
    sinceText(line),
  ]);
  const head = [
    'scenario',
    'kernel',
    `runs ${shown[0]?.number} to ${shown.at(-1)?.number}`,
    'failed',
    'fails',
  ];
  return `${textTable([head, ...rows])}${LEGEND}\n`;
}

async function show(
  given: string,
  { kernel, json, scenarios: patterns = [], ...options }: HistoryCommandOptions,
): Promise<void> {
  const fits = patterns.map(matcher);
  const isWanted = ({ scenario, kernel: own }: { scenario: string; kernel: string }): boolean =>
    (kernel === undefined || own === kernel) &&
    (fits.length === 0 || fits.some((matches) => matches(scenario)));
  const { runs, entries } = await withHistory(
    openFolder(given),
    { url: indexUrl(options) },
    async (history) => ({
      runs: await history.runs(),
      entries: await history.entries({ all: patterns.length > 0 }),
    }),
  );
  const lines = timeLines(runs, entries.filter(isWanted));
  process.stdout.write(
    json === true ? `${JSON.stringify({ runs, scenarios: lines })}\n` : safeText(linesText(lines, runs)),
  );
}

/** `kvm-memtype campaign history <campaign>`. */
export const historyCommand = (): Command =>
  withIndex(
    addHelp(new Command('history'), {
      what:
        'Tell what scenarios came to in all runs of a campaign that are over: each that failed in some run, with a sign for each run, and the run ' +
        'since which it fails.',
      examples: [
        ['campaign history nightly.yaml', 'all that failed in some run'],
        ["campaign history nightly.yaml --scenarios 'mtrr/*'", 'these scenarios, also where they passed'],
      ],
      statuses: [[0, 'it was told'], USAGE_STATUS],
    }),
  )
    .summary('tell what scenarios came to, run by run')
    .argument('<campaign>', 'its file, or the folder of its results')
    .option('--scenarios <patterns...>', 'these, as run takes them, also where they passed')
    .option('--kernel <name>', 'only on this kernel')
    .option('--json', 'as JSON')
    .action(show);
