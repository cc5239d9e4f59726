import { setTimeout as sleep } from 'node:timers/promises';
import { openServer } from '../../src/campaign/queue/server/open.js';

// BullMQ without any code of ours but the connection: what the queue could bear at most.

const QUEUE = 'bare';
/** As many bytes as a job that does nothing and its result have. */
const DATA = 'x'.repeat(500);
const MOST = 500;
/** Jobs that have ended without an event are looked for this often. */
const SWEEP_MS = 200;

/** Do what comes, until the signal. */
export async function beBareWorker(url: string, slots: number, stop: AbortSignal): Promise<void> {
  const server = await openServer(url);
  const options = { concurrency: slots, lockDuration: 30_000, stalledInterval: 30_000 };
  const worker = server.worker(QUEUE, async () => DATA, options);
  worker.on('error', () => {});
  await worker.waitUntilReady();
  process.send?.('ready');
  await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
  await worker.close();
  await server.close();
}

/** Seconds for jobs that do nothing, so many of them in the queue at a time. */
export async function bareSeconds(url: string, jobs: number, atATime: number): Promise<number> {
  const server = await openServer(url);
  const [queue, events] = [server.queue(QUEUE), server.events(QUEUE)];
  await events.waitUntilReady();
  const open = new Set<string>();
  events.on('completed', ({ jobId }) => open.delete(jobId));
  const sweep = setInterval(async () => {
    for (const [id, { state }] of await server.find(queue, [...open])) if (state !== 'open') open.delete(id);
  }, SWEEP_MS);
  const run = async (from: number, to: number): Promise<number> => {
    const began = performance.now();
    for (let next = from; next < to || open.size > 0; ) {
      const count = Math.min(MOST, atATime - open.size, to - next);
      const entries = Array.from({ length: count }, (_, i) => `j-${next + i}`);
      for (const id of entries) open.add(id);
      next += count;
      const opts = { removeOnComplete: { age: 604_800 } };
      if (count > 0)
        await queue.addBulk(entries.map((jobId) => ({ name: 'fuzz', data: DATA, opts: { ...opts, jobId } })));
      await sleep(10);
    }
    return (performance.now() - began) / 1000;
  };
  await run(0, atATime);
  const took = await run(atATime, atATime + jobs);
  clearInterval(sweep);
  await Promise.allSettled([events.close(), queue.close()]);
  await server.close();
  return took;
}
