import { type ChildProcess, fork } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseCampaign } from '../../src/campaign/file/read.js';
import { Table } from '../../src/campaign/jobs/table.js';
import { Coordinator } from '../../src/campaign/queue/coordinator.js';
import { byLabel, queueName } from '../../src/campaign/queue/protocol.js';
import { openServer } from '../../src/campaign/queue/server/open.js';
import { work } from '../../src/campaign/queue/worker.js';
import { firstRecord } from '../../src/campaign/store/records.js';
import { hostJob } from '../../test/support/host-job.js';
import { TestPostgres, TestRedis, type TestServer } from '../../test/support/queue-servers.js';
import { bareSeconds, beBareWorker } from './bare.js';

// How many empty jobs the queue bears: npm run bench:queue -- 10000.

const TOOL = 'bench 1';
/** 50 workers: slots in so many processes. */
const [PROCESSES, SLOTS] = [2, 25];
/** As many as a campaign has in the queue. */
const AT_A_TIME = 1000;

const FOLDER = tmpdir();

/** A job that does nothing, and what such a one gives. */
async function beWorker(url: string, cache: string): Promise<void> {
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  if (cache === '') return beBareWorker(url, SLOTS, stop.signal);
  await work({
    url,
    labels: ['vtx'],
    slots: byLabel(() => SLOTS),
    proves: false,
    cache,
    mostBytes: 2 ** 30,
    tool: TOOL,
    lockSeconds: 30,
    signal: stop.signal,
    tell: (text) => {
      if (text.startsWith('waits')) process.send?.('ready');
    },
    execute: async () => ({
      kind: 'result',
      result: {
        kind: 'fuzz',
        fuzz: {
          tool: { name: 'kvm-memtype', version: '1' },
          host: undefined,
          startedAt: new Date().toISOString(),
          durationMs: 1,
          policy: 'A',
          tried: 1,
          passed: 1,
          skipped: 0,
          skip: undefined,
          finds: [],
        },
      },
    }),
  });
}

function coordinate(url: string): Promise<Coordinator> {
  const { kernels: _, fuzz: __, ...campaign } = parseCampaign('campaign: bench\nkernels: [host]');
  return Coordinator.open(url, new Table([firstRecord({ campaign, kernels: [], tool: TOOL })]));
}

async function run(coordinator: Coordinator, from: number, to: number, signal: AbortSignal): Promise<void> {
  let next = from;
  const one = async (): Promise<void> => {
    while (next < to) {
      const order = { job: hostJob(next++), objects: FOLDER, scratch: FOLDER, record: false };
      await coordinator.execute(order, { timeoutMs: 60_000, signal, onProgress: () => {} });
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, one));
}

/** @param cache of workers of ours; BullMQ's alone if it is empty */
async function startWorkers(url: string, cache: string): Promise<ChildProcess[]> {
  const all = Array.from({ length: PROCESSES }, () =>
    fork(process.argv[1] as string, ['worker', url, cache]),
  );
  await Promise.all(all.map((child) => once(child, 'message')));
  return all;
}

async function endWorkers(all: readonly ChildProcess[]): Promise<void> {
  const ends = all.map((child) => once(child, 'exit'));
  for (const child of all) child.kill('SIGTERM');
  await Promise.all(ends);
}

const seconds = (from: number): number => (performance.now() - from) / 1000;

/** Jobs a second, from the first that is put into the queue to the last whose result is back. */
async function throughput(server: TestServer, jobs: number, cache: string): Promise<string> {
  const all = await startWorkers(server.url(), cache);
  const coordinator = await coordinate(server.url());
  const never = new AbortController().signal;
  setMaxListeners(0, never);
  await run(coordinator, 0, AT_A_TIME, never);
  const cpu = process.cpuUsage();
  const began = performance.now();
  await run(coordinator, AT_A_TIME, AT_A_TIME + jobs, never);
  const took = seconds(began);
  const { user, system } = process.cpuUsage(cpu);
  await coordinator.close();
  await endWorkers(all);
  const own = `${((user + system) / jobs).toFixed(0)} us of the coordinator's processor each`;
  return `${jobs} jobs in ${took.toFixed(1)} s: ${(jobs / took).toFixed(0)} a second; ${own}`;
}

/** The same of BullMQ alone. */
async function bareThroughput(server: TestServer, jobs: number): Promise<string> {
  const all = await startWorkers(server.url(), '');
  const took = await bareSeconds(server.url(), jobs, AT_A_TIME);
  await endWorkers(all);
  return `${jobs} jobs of BullMQ alone in ${took.toFixed(1)} s: ${(jobs / took).toFixed(0)} a second`;
}

/** What jobs that wait take of the server. */
async function memory(server: TestServer, jobs: number): Promise<string> {
  const before = server.bytes();
  const coordinator = await coordinate(server.url());
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const waits = Array.from({ length: jobs }, (_, i) =>
    coordinator
      .execute(
        { job: hostJob(1_000_000 + i), objects: FOLDER, scratch: FOLDER, record: false },
        { timeoutMs: 60_000, signal: stop.signal, onProgress: () => {} },
      )
      .catch(() => {}),
  );
  const began = performance.now();
  const probe = await openServer(server.url());
  const queue = probe.queue(queueName('vtx', TOOL));
  while ((await queue.getWaitingCount()) < jobs) await sleep(50);
  const took = seconds(began);
  const bytes = server.bytes() - before;
  stop.abort();
  await Promise.all(waits);
  await queue.close();
  await probe.close();
  await coordinator.close();
  return `${jobs} jobs that wait take ${(bytes / 2 ** 20).toFixed(0)} MiB, put there in ${took.toFixed(1)} s`;
}

async function main(jobs: number): Promise<void> {
  for (const [name, start] of [
    ['Redis', () => TestRedis.start()],
    ['PostgreSQL', () => TestPostgres.start()],
  ] as const) {
    const server = await start();
    if (server === undefined) {
      console.log(`${name}: not installed`);
      continue;
    }
    const cache = mkdtempSync(join(tmpdir(), 'kvm-memtype-bench-'));
    try {
      console.log(`${name}: ${await throughput(server, jobs, cache)}`);
      console.log(`${name}: ${await bareThroughput(server, jobs)}`);
      console.log(`${name}: ${await memory(server, jobs * 10)}`);
    } finally {
      await server.remove();
      rmSync(cache, { recursive: true, force: true });
    }
  }
}

const [, , role = '10000', url = '', cache = ''] = process.argv;
await (role === 'worker' ? beWorker(url, cache) : main(Number(role)));
