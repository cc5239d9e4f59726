import { statSync } from 'node:fs';
import { Command } from 'commander';
import { checkWritable, writeOutput } from '../../process/output-file.js';
import { columnsOf, newest } from '../../report/html/columns.js';
import { renderHtml } from '../../report/html/page.js';
import { exitStatus } from '../../report/index.js';
import { readSaved } from '../../report/journal/saved.js';
import type { OutputPlan } from '../../report/outputs.js';
import { writeReport } from '../../report/report.js';
import type { RunResult } from '../../report/types.js';
import { UsageError } from '../errors.js';
import { addHelp, type Help, USAGE_STATUS } from '../options/help.js';
import { addOutputOptions, outputPlans } from '../options/output.js';
import { readFolder } from '../program/folder.js';
import { screen } from '../program/reported-run.js';

const HELP: Help = {
  what:
    'Write saved results in other formats: those of `run --format json`, or the journal of a run that was killed. Of a folder of results and ' +
    'recordings it makes one page of HTML: each kernel as it was last, and what changed when.',
  examples: [
    [
      'report results.json --format ktap',
      'what a run with `--output results.json` found, as KTAP on the screen',
    ],
    [
      'report results.json.partial.jsonl --format junit --output results.xml',
      'what such a run had found when it was killed, as JUnit in a file',
    ],
    ['report results/ --output report.html', 'a page of all results in a folder'],
  ],
  statuses: [
    [0, 'something passed and nothing is wrong'],
    [1, 'a check failed, a scenario had no verdict, a kernel died, or the results are incomplete'],
    USAGE_STATUS,
    [4, 'everything was skipped'],
  ],
};

/** `kvm-memtype report <file>`. */
export function reportCommand(): Command {
  const command = addHelp(new Command('report'), HELP).argument(
    '<file>',
    'saved results: JSON, or a journal (.partial.jsonl); or a folder of these, and of recordings',
  );
  return addOutputOptions(command).action(async (file: string) => {
    const plans = outputPlans(command);
    for (const plan of plans) if (plan.file !== undefined) checkWritable(plan.file);
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
      process.exitCode = exitStatus(await reportFolder(file, plans));
      return;
    }
    const run = readSaved(file);
    writeReport(plans, run, screen());
    process.exitCode = exitStatus(run);
  });
}

/**
 * Write one page of a folder's results; the newest of each kernel say what comes of it.
 * @throws UsageError for any other format
 */
async function reportFolder(folder: string, plans: readonly OutputPlan[]): Promise<Pick<RunResult, 'sets'>> {
  const asked = plans.filter(({ format, file }) => format === 'html' || file !== undefined);
  if (asked.length === 0 || asked.some(({ format }) => format !== 'html'))
    throw new UsageError(`${folder} is a folder, of which only HTML is made: give --format html`);
  const runs = await readFolder(folder);
  const page = renderHtml(runs);
  for (const { file } of asked)
    if (file === undefined) process.stdout.write(page);
    else writeOutput(file, page);
  return { sets: newest(columnsOf(runs)).map(({ set }) => set) };
}
