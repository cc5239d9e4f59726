import { availableParallelism, homedir } from 'node:os';
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { MIB } from '../../../arch/units.js';
import { checkNodes } from '../../../campaign/jobs/nodes.js';
import { LABELS, type Label, slotsOf } from '../../../campaign/queue/protocol.js';
import { UsageError } from '../../errors.js';
import { addHelp, ENDED_STATUSES, USAGE_STATUS } from '../../options/help.js';
import { outputFolder, whole } from '../../options/values.js';
import { interrupted } from '../../terminal/interrupt.js';
import { say } from '../../terminal/say.js';
import { toolText } from './folder.js';
import { queueOption, queueUrl } from './queue.js';

interface WorkerOptions {
  queue?: string;
  labels: Label[];
  slots?: number;
  cache?: string;
  cacheSize: number;
  lock: number;
  proof: boolean;
  metrics?: number;
}

function labels(text: string): Label[] {
  const words = text.split(',');
  const found = LABELS.filter((label) => words.includes(label));
  if (found.length === new Set(words).size) return found;
  throw new InvalidArgumentError(`words out of ${LABELS.join(', ')} are needed, with commas between them.`);
}

const defaultCache = (): string =>
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'kvm-memtype-worker');

async function worker({
  queue,
  labels: own,
  slots,
  cache,
  cacheSize,
  lock,
  proof,
  metrics,
}: WorkerOptions): Promise<void> {
  if (own.includes('numa')) checkNodes();
  const url = queueUrl(queue);
  if (url === undefined)
    throw new UsageError('a queue is needed: --queue, or the variable KVM_MEMTYPE_QUEUE');
  const { work } = await import('../../../campaign/queue/worker.js');
  await work({
    url,
    labels: own,
    slots: slotsOf(availableParallelism(), slots),
    cache: cache ?? defaultCache(),
    mostBytes: cacheSize * MIB,
    tool: toolText(),
    lockSeconds: lock,
    proves: proof,
    metricsPort: metrics,
    signal: interrupted,
    tell: say,
  });
}

/** `kvm-memtype worker`. */
export const workerCommand = (): Command =>
  addHelp(new Command('worker'), {
    what:
      'Do jobs of campaigns that come through a queue (campaign run --queue), until it is interrupted: what runs then goes back into the queue. ' +
      'It connects to the queue, and nothing connects to it.',
    examples: [
      ['worker --queue redis://queue:6379 --labels lab', 'kernels are built and booted in the lab'],
      ['worker --queue redis://queue:6379 --labels vtx', "jobs for this machine's own KVM"],
    ],
    statuses: [...ENDED_STATUSES, USAGE_STATUS],
  })
    .option('--queue <url>', 'the server of the queue: Redis or PostgreSQL', queueOption)
    .addOption(
      new Option(
        '--labels <words>',
        'what it can do: vtx (its own KVM), numa (the same, with several NUMA nodes), lab',
      )
        .argParser(labels)
        .default(['lab'], 'lab'),
    )
    .option('--slots <n>', 'jobs of the lab at a time; one for four processors if not given', whole(1, 256))
    .option('--cache <folder>', 'where kernel images are kept', outputFolder)
    .option('--cache-size <MiB>', 'most that they take', whole(1, 1 << 20), 1024)
    .option('--lock <seconds>', 'taken for dead after so long without a sign', whole(1, 3600), 30)
    .option('--metrics <port>', 'give metrics for Prometheus at this port of the loopback', whole(1, 65_535))
    .option('--no-proof', 'take jobs without a proof that known kernels give known verdicts')
    .action(worker);
