import { once } from 'node:events';
import { Command } from 'commander';
import { isLoopback } from '../../../campaign/serve/access.js';
import { type QueueView, type ServeOptions, type Serving, serve } from '../../../campaign/serve/server.js';
import { UsageError } from '../../errors.js';
import { addHelp, ENDED_STATUSES, USAGE_STATUS } from '../../options/help.js';
import { whole } from '../../options/values.js';
import { interrupted } from '../../terminal/interrupt.js';
import { openFolder, toolText } from './folder.js';
import { tellLog } from './load.js';
import { queueOption, queueUrl } from './queue.js';

const VARIABLE = 'KVM_MEMTYPE_TOKEN';
const PORT = 8377;

async function listen(options: ServeOptions): Promise<Serving> {
  try {
    return await serve(options);
  } catch (error) {
    throw new UsageError(
      `cannot listen at ${options.host} port ${options.port}: ${(error as Error).message}`,
    );
  }
}

interface ServeCommandOptions {
  host: string;
  port: number;
  queue?: string;
}

/** Only then is the queue's code loaded. */
async function viewOf(url: string | undefined): Promise<QueueView | undefined> {
  if (url === undefined) return undefined;
  const { openView } = await import('../../../campaign/queue/board.js');
  return openView(url, toolText());
}

async function run(given: string, { host, port, queue: url }: ServeCommandOptions): Promise<void> {
  const folder = openFolder(given);
  const token = process.env[VARIABLE] || undefined;
  if (token === undefined && !isLoopback(host))
    throw new UsageError(
      `whoever reaches ${host} could read: put a token into the variable ${VARIABLE} first`,
    );
  folder.last();
  const queue = await viewOf(queueUrl(url));
  const serving = await listen({ folder, host, port, token, queue, tell: tellLog });
  const name = host.includes(':') ? `[${host}]` : host;
  process.stdout.write(`http://${name}:${serving.port}/\n`);
  if (!interrupted.aborted) await once(interrupted, 'abort');
  await serving.close();
  await queue?.close();
}

/** `kvm-memtype campaign serve <campaign>`. */
export const serveCommand = (): Command =>
  addHelp(new Command('serve'), {
    what:
      'Show the last run of a campaign in a browser while it runs, until it is interrupted: the page of the report, which follows by itself; metrics for ' +
      'Prometheus under /metrics. Nothing can be changed through it.',
    examples: [
      ['campaign serve nightly.yaml', 'for this machine only'],
      [
        'campaign serve nightly.yaml --host 0.0.0.0 --port 80',
        'for all who have the token in KVM_MEMTYPE_TOKEN',
      ],
    ],
    statuses: [...ENDED_STATUSES, USAGE_STATUS],
  })
    .summary('show a campaign in a browser while it runs')
    .argument('<campaign>', 'its file, or the folder of its results')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <number>', 'where to listen; 0 takes a free one', whole(0, 65_535), PORT)
    .option('--queue <url>', 'show this queue too, with Bull Board under /queue', queueOption)
    .action(run);
