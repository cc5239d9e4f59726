import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Queue } from 'bullmq';
import type { QueueView } from '../serve/server.js';
import { renderQueueMetrics } from './metrics.js';
import { byLabel, LABELS, queueName } from './protocol.js';
import { openServer } from './server/open.js';

/** Where Bull Board is. */
const PATH = '/queue';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** Bull Board, if it is installed: it is not needed for anything else. */
async function boardOf(queues: readonly Queue[]): Promise<Handler | undefined> {
  try {
    const [{ createBullBoard }, { BullMQAdapter }, { ExpressAdapter }] = await Promise.all([
      import('@bull-board/api'),
      import('@bull-board/api/bullMQAdapter'),
      import('@bull-board/express'),
    ]);
    const serverAdapter = new ExpressAdapter();
    serverAdapter.setBasePath(PATH);
    const adapters = queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true }));
    createBullBoard({ queues: adapters, serverAdapter });
    return serverAdapter.getRouter() as Handler;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

const MISSING = 'Bull Board is not installed: npm install @bull-board/api @bull-board/express\n';

/**
 * A view of the queue: how many jobs and workers it has, and Bull Board where that is installed. Nothing can be changed through it.
 * @throws CampaignError CAMPAIGN_QUEUE
 */
export async function openView(url: string, tool: string): Promise<QueueView> {
  const server = await openServer(url);
  try {
    const queues = LABELS.map((label) => server.queue(queueName(label, tool)));
    const board = await boardOf(queues);
    const countsOf = async (queue: Queue) => ({
      workers: await queue.getWorkersCount(),
      jobs: await queue.getJobCounts('waiting', 'active', 'completed', 'failed'),
    });
    return {
      path: PATH,
      handle: (request, response) => {
        if (board === undefined) {
          response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
          response.end(MISSING);
          return;
        }
        request.url = request.url?.slice(PATH.length) || '/';
        board(request, response);
      },
      metrics: async () => {
        const all = await Promise.all(queues.map(countsOf));
        const counts = byLabel((label) => all[LABELS.indexOf(label)] as (typeof all)[number]);
        return renderQueueMetrics(counts);
      },
      close: async () => {
        await Promise.allSettled(queues.map((queue) => queue.close()));
        await server.close();
      },
    };
  } catch (error) {
    await server.close();
    throw error;
  }
}
