import { expect, it } from 'vitest';
import { renderQueueMetrics, renderWorkerMetrics, serveMetrics } from './metrics.js';
import { WorkerTally } from './tally.js';

it('a worker tells Prometheus how it stands', async () => {
  const tally = new WorkerTally();
  for (const end of ['result', 'result', 'disk-full', undefined] as const) {
    tally.begun();
    tally.ended(end, 2);
  }
  tally.begun();

  const serving = await serveMetrics(0, () =>
    renderWorkerMetrics({ tally, slots: 3, trouble: 'the disk was full' }),
  );
  const text = await (await fetch(`http://127.0.0.1:${serving.port}/metrics`)).text();
  const other = await fetch(`http://127.0.0.1:${serving.port}/`);
  serving.close();

  expect(other.status).toBe(404);
  expect(text.split('\n').filter((line) => !line.startsWith('#'))).toEqual([
    'kvm_memtype_worker_up{} 0',
    'kvm_memtype_worker_slots{} 3',
    'kvm_memtype_worker_running{} 1',
    'kvm_memtype_worker_jobs{end="result"} 2',
    'kvm_memtype_worker_jobs{end="disk-full"} 1',
    'kvm_memtype_worker_busy_seconds{} 8',
    'kvm_memtype_worker_cache_bytes{} 0',
    '',
  ]);
});

it('a queue does so too', () => {
  const text = renderQueueMetrics({
    vtx: { workers: 1, jobs: { waiting: 2 } },
    lab: { workers: 0, jobs: { waiting: 5 } },
    numa: { workers: 0, jobs: {} },
  });

  expect(text).toContain('kvm_memtype_queue_jobs{label="lab",state="waiting"} 5\n');
  expect(text).toContain('kvm_memtype_queue_workers{label="vtx"} 1\n');
});
