import { Command } from 'commander';
import { checkWritable } from '../../process/output-file.js';
import { createReport, exitStatus } from '../../report/index.js';
import { addHelp, type Help, USAGE_STATUS } from '../options/help.js';
import { addOutputOptions, outputPlans } from '../options/output.js';
import { anyPolicyOption, tellAssumption } from '../options/policy.js';
import { judgeRecording } from '../program/judged.js';
import { screen } from '../program/reported-run.js';

interface JudgeOptions {
  policy?: string;
  strict?: boolean;
}

const HELP: Help = {
  what:
    'Judge again what `run --record` or `watch --record` kept: under the policy that it was held against, or another. Nothing is run. ' +
    'Judged as it was, by the same program, it gives the same results to the byte.',
  examples: [
    ['judge r.kmr', 'the results of the run that was recorded'],
    ['judge r.kmr --policy 6.12 --format junit --output results.xml', 'held against the rules of Linux 6.12'],
  ],
  statuses: [
    [0, 'something passed and nothing is wrong'],
    [1, 'a check failed, a scenario had no verdict, a kernel died, or the recording is incomplete'],
    USAGE_STATUS,
    [4, 'everything was skipped'],
  ],
};

/** `kvm-memtype judge <file>`. */
export function judgeCommand(): Command {
  const command = addHelp(new Command('judge'), HELP)
    .argument('<file>', 'a recording; that of a run that was killed is called <file>.partial')
    .addOption(anyPolicyOption('the kernel'))
    .option('--strict', 'fail if the kernel behaves otherwise than its version is known to');
  return addOutputOptions(command).action(async (file: string, { policy, strict }: JudgeOptions) => {
    const plans = outputPlans(command);
    for (const plan of plans) if (plan.file !== undefined) checkWritable(plan.file);
    if (policy !== undefined) tellAssumption(policy);
    const judged = await judgeRecording(file, { policy, strict }, (header) =>
      createReport(plans, screen(), header),
    );
    process.exitCode = exitStatus(judged);
  });
}
