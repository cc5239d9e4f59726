import { Command } from 'commander';
import type { Table } from '../../../campaign/jobs/table.js';
import { publicUrl } from '../../../campaign/queue/server/address.js';
import { cancelRun, type StopQueued } from '../../../campaign/run/cancel.js';
import { addHelp, USAGE_STATUS } from '../../options/help.js';
import { log } from '../../terminal/log.js';
import { openFolder } from './folder.js';
import { queueOption, queueUrl, stopQueued } from './queue.js';

/** What stops the jobs of a run in its queue; undefined if no queue is named. */
function stopperOf(queue: string | false | undefined): StopQueued | undefined {
  if (queue === false)
    return async ({ queue: left }) => log().warn(`jobs may be left in the queue at ${left}`);
  const url = queueUrl(queue);
  if (url === undefined) return undefined;
  return async (table: Table) => {
    const address = publicUrl(url);
    if (address !== table.queue)
      log().warn(`the jobs were put into the queue at ${table.queue}, not ${address}`);
    await stopQueued(url, table);
  };
}

async function cancel(given: string, { queue }: { queue?: string | false }): Promise<void> {
  const { number, table } = await cancelRun(openFolder(given), stopperOf(queue));
  process.stdout.write(`run ${number} is cancelled: ${table.counts().done} jobs were done\n`);
}

/** `kvm-memtype campaign cancel <campaign>`. */
export const cancelCommand = (): Command =>
  addHelp(new Command('cancel'), {
    what:
      'End the last run of a campaign for good: its jobs are stopped, what is done stays for the report. If the process that ran it through a queue is ' +
      'gone, the queue must be named: workers are told there. It can be told again of a run that is cancelled.',
    examples: [
      ['campaign cancel nightly.yaml', 'the run in nightly.campaign'],
      [
        'campaign cancel /srv/nightly --queue redis://queue:6379',
        'the run in that folder, whose process is gone',
      ],
    ],
    statuses: [[0, 'it is cancelled'], USAGE_STATUS],
  })
    .summary('end a campaign for good')
    .argument('<campaign>', 'its file, or the folder of its results')
    .option('--queue <url>', 'tell workers of this queue, if the process that ran it is gone', queueOption)
    .option('--no-queue', 'end it without its queue, where jobs may be left')
    .action(cancel);
