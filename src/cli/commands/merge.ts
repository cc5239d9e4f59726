import { Command } from 'commander';
import { checkWritable } from '../../process/output-file.js';
import type { Timeline } from '../../report/html/timeline.js';
import { exitStatus } from '../../report/index.js';
import { mergeRuns, type Part } from '../../report/merge.js';
import { writeReport } from '../../report/report.js';
import type { ScenarioResult } from '../../report/types.js';
import { CATALOGUE_ORDER } from '../../session/order.js';
import { addHelp, type Help, USAGE_STATUS } from '../options/help.js';
import { addOutputOptions, outputPlans } from '../options/output.js';
import { existingFile } from '../options/values.js';
import { readResults } from '../program/judged.js';
import { screen } from '../program/reported-run.js';

const HELP: Help = {
  what:
    'Put the results of parts of a run together, as `run --shard` makes them on several machines: those of one kernel become one set, as if ' +
    'one run had made them. Takes what `--format json` wrote, journals, and recordings, which are judged again.',
  examples: [
    ['merge 1.json 2.json 3.json 4.json', 'the whole of four shards'],
    ['merge *.kmr --format junit --output results.xml', 'four recordings, as JUnit in a file'],
  ],
  statuses: [
    [0, 'something passed and nothing is wrong'],
    [1, 'a check failed, a scenario had no verdict, a kernel died, or the results are incomplete'],
    USAGE_STATUS,
    [4, 'everything was skipped'],
  ],
};

/** `kvm-memtype merge <file...>`. */
export function mergeCommand(): Command {
  const command = addHelp(new Command('merge'), HELP).argument(
    '<file...>',
    'results of parts of a run: JSON, journals or recordings',
    (file, before: string[] = []) => [...before, existingFile(file)],
  );
  return addOutputOptions(command).action(async (files: string[]) => {
    const plans = outputPlans(command);
    for (const plan of plans) if (plan.file !== undefined) checkWritable(plan.file);
    const parts: Part[] = [];
    const timelines = new Map<ScenarioResult, Timeline>();
    for (const name of files) {
      const saved = await readResults(name);
      parts.push({ name, run: saved.run });
      for (const [result, timeline] of saved.timelines) timelines.set(result, timeline);
    }
    const run = mergeRuns(parts, CATALOGUE_ORDER);
    writeReport(plans, run, screen(), timelines);
    process.exitCode = exitStatus(run);
  });
}
