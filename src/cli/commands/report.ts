import { Command } from 'commander';
import { checkWritable } from '../../process/output-file.js';
import { exitStatus, wantsColor } from '../../report/index.js';
import { readSaved } from '../../report/journal/saved.js';
import { writeReport } from '../../report/report.js';
import { textWidth } from '../../text/wrap.js';
import { addHelp, type Help, USAGE_STATUS } from '../options/help.js';
import { addOutputOptions, outputPlans } from '../options/output.js';

const HELP: Help = {
  what: 'Write saved results in other formats: those of `run --format json`, or the journal of a run that was killed.',
  examples: [
    [
      'report results.json --format ktap',
      'what a run with `--output results.json` found, as KTAP on the screen',
    ],
    [
      'report results.json.partial.jsonl --format junit --output results.xml',
      'what such a run had found when it was killed, as JUnit in a file',
    ],
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
    'saved results: JSON, or a journal (.partial.jsonl)',
  );
  return addOutputOptions(command).action((file: string) => {
    const plans = outputPlans(command);
    for (const plan of plans) if (plan.file !== undefined) checkWritable(plan.file);
    const run = readSaved(file);
    writeReport(plans, run, {
      write: (text) => process.stdout.write(text),
      color: wantsColor(process.stdout),
      width: textWidth(process.stdout),
    });
    process.exitCode = exitStatus(run);
  });
}
