import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mayRead } from '../serve/access.js';
import { family } from '../serve/prometheus.js';
import type { Label } from './protocol.js';
import type { WorkerTally } from './tally.js';

/** How a worker stands. */
export interface WorkerState {
  tally: WorkerTally;
  slots: number;
  /** Why it takes no jobs now. */
  trouble: string | undefined;
}

/** How a worker stands, for Prometheus. */
export function renderWorkerMetrics({ tally, slots, trouble }: WorkerState): string {
  const ends = [['result', tally.results], ...tally.losses] as const;
  return `${[
    family('kvm_memtype_worker_up', 'Whether the worker takes jobs: 0 if it has to prove itself first.', [
      [{}, trouble === undefined ? 1 : 0],
    ]),
    family('kvm_memtype_worker_slots', 'Jobs that the worker does at a time.', [[{}, slots]]),
    family('kvm_memtype_worker_running', 'Jobs that run.', [[{}, tally.running]]),
    family(
      'kvm_memtype_worker_jobs',
      'Jobs that ended here, by how.',
      ends.map(([end, count]) => [{ end }, count]),
    ),
    family('kvm_memtype_worker_busy_seconds', 'Time that jobs took.', [[{}, tally.busy]]),
    family('kvm_memtype_worker_cache_bytes', 'What kernel images take in the cache.', [
      [{}, tally.cacheBytes],
    ]),
  ].join('\n')}\n`;
}

/** What is in the queue of each label, by state, and how many workers wait there. */
export type QueueCounts = Readonly<
  Record<Label, { workers: number; jobs: Readonly<Record<string, number>> }>
>;

/** How the queue stands, for Prometheus. */
export function renderQueueMetrics(counts: QueueCounts): string {
  const all = Object.entries(counts);
  return `${[
    family(
      'kvm_memtype_queue_jobs',
      'Jobs in the queue, by state; those that ended stay for a week.',
      all.flatMap(([label, { jobs }]) =>
        Object.entries(jobs).map(([state, count]) => [{ label, state }, count] as const),
      ),
    ),
    family(
      'kvm_memtype_queue_workers',
      'Workers that are connected.',
      all.map(([label, { workers }]) => [{ label }, workers]),
    ),
  ].join('\n')}\n`;
}

/**
 * Give metrics to whoever asks on this machine.
 * @param port 0 takes a free one
 * @throws Error if the port is taken
 */
export async function serveMetrics(
  port: number,
  text: () => string,
): Promise<{ port: number; close: () => void }> {
  const server = createServer((request, response) => {
    const ok = mayRead(request, undefined) && request.method === 'GET' && request.url === '/metrics';
    response.writeHead(ok ? 200 : 404, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(ok ? text() : 'there is nothing here\n');
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}
