import type { Table } from '../../../campaign/jobs/table.js';
import { hasPassword, parseQueueUrl, URL_WORDS } from '../../../campaign/queue/server/address.js';
import { executeInChild } from '../../../campaign/run/child.js';
import type { Executor } from '../../../campaign/run/conduct.js';
import { UsageError } from '../../errors.js';
import { log } from '../../terminal/log.js';

const VARIABLE = 'KVM_MEMTYPE_QUEUE';

/** A queue's address on the command line: everybody on the machine can read it there, so it bears no password. What is wrong is told without it. */
export function queueOption(text: string): string {
  const parsed = parseQueueUrl(text);
  if (parsed === undefined) throw new UsageError(`--queue needs ${URL_WORDS}`);
  if (hasPassword(parsed.url))
    throw new UsageError(
      `--queue has a password, which others can read there: put the URL into the variable ${VARIABLE} instead`,
    );
  return text;
}

/** The queue that was named, on the command line or in the environment. */
export const queueUrl = (given: string | undefined): string | undefined =>
  given ?? (process.env[VARIABLE] || undefined);

/** Time that workers have to tell of themselves. */
const WORKERS_MS = 3_000;

async function tellOfWorkers(coordinator: { workers(): Promise<Record<string, number>> }): Promise<void> {
  const workers = await coordinator.workers();
  const text = Object.entries(workers).map(([label, count]) => `${count} for ${label}`);
  log().info(`workers of this version: ${text.join(', ')}`);
}

/** What does jobs: children of this process, or workers through a queue. Only then is the queue's code loaded. */
export const executorOf =
  (queue: string | undefined): ((table: Table) => Promise<Executor>) =>
  async (table) => {
    if (queue === undefined) return { execute: executeInChild };
    const { Coordinator } = await import('../../../campaign/queue/coordinator.js');
    const coordinator = await Coordinator.open(queue, table);
    const timer = setTimeout(() => tellOfWorkers(coordinator).catch(() => {}), WORKERS_MS);
    return {
      execute: coordinator.execute,
      queue: coordinator.address,
      close: async ({ stopJobs }) => {
        clearTimeout(timer);
        if (stopJobs) await coordinator.stop();
        await coordinator.close();
      },
    };
  };

/** Tell workers to stop the jobs of a run that no process coordinates any more. */
export async function stopQueued(url: string, table: Table): Promise<void> {
  const [{ openServer }, { runKey }] = await Promise.all([
    import('../../../campaign/queue/server/open.js'),
    import('../../../campaign/queue/protocol.js'),
  ]);
  const server = await openServer(url);
  try {
    await server.stopRun(runKey(table));
  } finally {
    await server.close();
  }
}
