import { join } from 'node:path';
import { Command, Option } from 'commander';
import { renderMarkdown } from '../../../campaign/report/markdown.js';
import { statusOf } from '../../../campaign/report/model.js';
import { renderCampaignPage } from '../../../campaign/report/page.js';
import { asRun } from '../../../campaign/report/runs.js';
import { writeNewFiles } from '../../../process/new-files.js';
import { checkWritable, writeOutput } from '../../../process/output-file.js';
import type { Format } from '../../../report/outputs.js';
import { writeFormat } from '../../../report/report.js';
import { CATALOGUE_ORDER } from '../../../session/order.js';
import { addHelp, USAGE_STATUS } from '../../options/help.js';
import { outputFile, outputFolder, whole } from '../../options/values.js';
import { openFolder } from './folder.js';
import { indexUrl, withIndex } from './index-url.js';
import { type LoadedReport, loadReport } from './load.js';

/** Formats of `run` that a campaign's results can have too. */
const OF_RUN = ['ktap', 'tap', 'kselftest', 'junit', 'json', 'kcidb'] as const satisfies readonly Format[];

interface ReportOptions {
  run?: number;
  format: 'markdown' | 'html' | (typeof OF_RUN)[number];
  output?: string;
  times: boolean;
  finds?: string;
  index?: string;
}

const print = (text: string): void => void process.stdout.write(text);

function write({ report, run, results }: LoadedReport, { format, times, output }: ReportOptions): void {
  if (format !== 'markdown' && format !== 'html') {
    writeFormat(asRun(report, run.table, results, CATALOGUE_ORDER), { format, file: output }, print);
    return;
  }
  const text =
    format === 'markdown'
      ? renderMarkdown(report, { noTimes: !times })
      : renderCampaignPage(report, run.table, results);
  if (output === undefined) print(text);
  else writeOutput(output, text);
}

async function report(given: string, options: ReportOptions): Promise<void> {
  const { run, output, finds } = options;
  if (output !== undefined) checkWritable(output);
  const folder = openFolder(given);
  const loaded = await loadReport(
    folder,
    run === undefined ? folder.last() : folder.read(run),
    indexUrl(options),
  );
  if (finds !== undefined)
    writeNewFiles(
      loaded.report.finds.map(({ scenario }, i) => [join(finds, `find-${i + 1}.json`), scenario]),
    );
  write(loaded, options);
  process.exitCode = statusOf(loaded.report);
}

/** `kvm-memtype campaign report <campaign>`. */
export const campaignReportCommand = (): Command =>
  withIndex(
    addHelp(new Command('report'), {
      what:
        'Tell what a campaign came to, also before its end: kernels by parameters, failures that are new since the run before, what is flaky, and what ' +
        'random scenarios found.',
      examples: [
        ['campaign report nightly.yaml', 'the last run, as Markdown'],
        ['campaign report nightly.yaml --format junit --output r.xml', 'the same for a CI system'],
      ],
      statuses: [
        [0, 'something passed and nothing is wrong'],
        [1, 'a check failed, a job has no result, or the run is not over'],
        USAGE_STATUS,
        [4, 'everything was skipped'],
      ],
    }),
  )
    .summary('tell what a campaign came to')
    .argument('<campaign>', 'its file, or the folder of its results')
    .option('--run <number>', 'this run; the last one if not given', whole(1, 2 ** 31 - 1))
    .addOption(
      new Option('--format <name>', 'how it looks')
        .choices(['markdown', 'html', ...OF_RUN])
        .default('markdown'),
    )
    .option('--output <file>', 'write it into a file', outputFile)
    .option('--no-times', 'leave out of Markdown what differs from run to run')
    .option('--finds <folder>', 'write the scenarios that random ones were cut down to there', outputFolder)
    .action(report);
