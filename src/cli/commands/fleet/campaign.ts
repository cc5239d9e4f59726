import { Command } from 'commander';
import { addHelp, type Help, USAGE_STATUS } from '../../options/help.js';
import { cancelCommand } from './cancel.js';
import { planCommand, resumeCommand, runCampaignCommand, statusCommand } from './conduct.js';
import { historyCommand } from './history.js';
import { jobCommand } from './job.js';
import { campaignReportCommand } from './report.js';
import { serveCommand } from './serve.js';

const HELP: Help = {
  what:
    'Run many kernels, with many sets of parameters and random scenarios of many seeds, as a file of YAML says (docs/campaign.md). What is done ' +
    'stays done, whatever is killed.',
  examples: [
    ['campaign run nightly.yaml', 'all that the file says; results go into nightly.campaign'],
    ['campaign resume nightly.yaml', 'what was open when the run before was killed'],
    ['campaign report nightly.yaml --format html --output r.html', 'a page of what it came to'],
  ],
  statuses: [
    [0, 'something passed and nothing is wrong'],
    [1, 'a check failed, or a job has no result'],
    USAGE_STATUS,
    [4, 'everything was skipped'],
  ],
};

/** `kvm-memtype campaign`. */
export function campaignCommand(): Command {
  const command = addHelp(new Command('campaign'), HELP);
  const subcommands = [
    planCommand(),
    runCampaignCommand(),
    resumeCommand(),
    statusCommand(),
    cancelCommand(),
    campaignReportCommand(),
    historyCommand(),
    serveCommand(),
  ];
  for (const subcommand of subcommands) command.addCommand(subcommand);
  return command.addCommand(jobCommand(), { hidden: true });
}
