import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { MIB } from '../../src/arch/units.js';
import { Table } from '../../src/campaign/jobs/table.js';
import { openView } from '../../src/campaign/queue/board.js';
import { Coordinator } from '../../src/campaign/queue/coordinator.js';
import { byLabel, queueName } from '../../src/campaign/queue/protocol.js';
import { openServer } from '../../src/campaign/queue/server/open.js';
import { work } from '../../src/campaign/queue/worker.js';
import { serve } from '../../src/campaign/serve/server.js';
import { Objects } from '../../src/campaign/store/objects.js';
import { firstRecord } from '../../src/campaign/store/records.js';
import { patiently } from '../patience.js';
import { NEEDS_KVM, requireOrSkip } from '../require.js';
import { campaignFolder, fuzzResultOf, planOfKernels } from '../support/campaign.js';
import { CampaignProcess, QueueWorkers } from '../support/campaign-process.js';
import { scratchDir } from '../support/fake-host.js';
import { hostJob, labJob } from '../support/host-job.js';
import { TestPostgres, TestRedis, type TestServer } from '../support/queue-servers.js';
import { freePort } from '../support/tcp.js';

const TOOL = 'test 1';

it.for<[string, () => Promise<TestServer | undefined>]>([
  ['Redis', () => TestRedis.start()],
  ['PostgreSQL', () => TestPostgres.start()],
])(
  'the queue on %s is seen by Bull Board and Prometheus, and not changed',
  async ([name, start], context) => {
    const server = await start();
    requireOrSkip(context, server, name);
    onTestFinished(() => server.remove());
    const client = await openServer(server.url());
    const queue = client.queue(queueName('vtx', TOOL));
    await queue.add('run', { kernel: 'this host' }, { jobId: 'one-1' });
    const view = await openView(server.url(), TOOL);
    const serving = await serve({ folder: campaignFolder(), host: '127.0.0.1', port: 0, queue: view });
    const at = (path: string): string => `http://127.0.0.1:${serving.port}${path}`;

    const page = await (await fetch(at('/queue/'))).text();
    const listed = await (await fetch(at('/queue/api/queues'))).text();
    const retried = await fetch(at(`/queue/api/queues/${queue.name}/pause`), { method: 'PUT' });
    const metrics = await view.metrics();

    expect(page).toContain('<title>Bull Dashboard</title>');
    expect(listed).toContain(queue.name);
    expect(page + listed).not.toContain(server.password ?? 'not a word');
    expect(retried.status).toBe(405);
    expect(metrics).toContain('kvm_memtype_queue_jobs{label="vtx",state="waiting"} 1\n');
    await serving.close();
    await Promise.all([view.close(), queue.close().then(() => client.close())]);
  },
);

it.for<[string, () => Promise<TestServer | undefined>]>([
  ['Redis', () => TestRedis.start()],
  ['PostgreSQL', () => TestPostgres.start()],
])(
  'a worker does one job at a time of vtx and numa on %s, and all of both',
  async ([name, start], context) => {
    const server = await start();
    requireOrSkip(context, server, name);
    onTestFinished(() => server.remove());
    const folder = scratchDir();
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const plan = planOfKernels([]);
    const stop = new AbortController();
    let running = 0;
    let most = 0;
    const working = work({
      url: server.url(),
      labels: ['vtx', 'numa'],
      slots: byLabel(() => 1),
      proves: false,
      cache: folder,
      mostBytes: 2 ** 20,
      tool: plan.tool,
      lockSeconds: 30,
      signal: stop.signal,
      tell: () => {},
      execute: async () => {
        most = Math.max(most, ++running);
        await sleep(20);
        running--;
        return { kind: 'result', result: fuzzResultOf() };
      },
    });
    const coordinator = await Coordinator.open(server.url(), new Table([firstRecord(plan)]));
    const jobs = [1, 2, 3, 4, 5].flatMap((seed) => [hostJob(seed), hostJob(seed, 'numa')]);

    const ends = await Promise.all(
      jobs.map((job) =>
        coordinator.execute(
          { job, objects: folder, scratch: folder, record: false },
          { timeoutMs: patiently(60_000), signal: new AbortController().signal, onProgress: () => {} },
        ),
      ),
    );
    const workers = await coordinator.workers();
    await coordinator.close();
    stop.abort();
    await working;

    expect(ends.map(({ kind }) => kind)).toEqual(jobs.map(() => 'result'));
    expect(most).toBe(1);
    expect(workers).toEqual({ vtx: 1, lab: 0, numa: 1 });
  },
);

it('a worker of two slots keeps no more images than it may', async (context) => {
  const server = await TestRedis.start();
  requireOrSkip(context, server, 'redis-server');
  onTestFinished(() => server.remove());
  const [own, cache] = [scratchDir(), scratchDir()];
  let begun = 0;
  let end: () => void = () => {};
  const othersEnd = new Promise<void>((resolve) => {
    end = resolve;
  });
  onTestFinished(() => [own, cache].forEach((path) => void rmSync(path, { recursive: true, force: true })));
  const plan = planOfKernels([]);
  const stop = new AbortController();
  const working = work({
    url: server.url(),
    labels: ['lab'],
    slots: byLabel(() => 2),
    proves: false,
    cache,
    mostBytes: 2 * MIB,
    tool: plan.tool,
    lockSeconds: 30,
    signal: stop.signal,
    tell: () => {},
    execute: async () => {
      if (begun++ === 0) await othersEnd;
      return { kind: 'result', result: fuzzResultOf() };
    },
  });
  const coordinator = await Coordinator.open(server.url(), new Table([firstRecord(plan)]));
  const images = Array.from({ length: 20 }, (_, i) => new Objects(own).put(Buffer.alloc(MIB, i)));

  let left = images.length;
  let kept = 0;
  const ends = images.map(async (image) => {
    await coordinator.execute(
      { job: labJob(image), objects: own, scratch: own, record: false },
      { timeoutMs: patiently(60_000), signal: new AbortController().signal, onProgress: () => {} },
    );
    if (--left !== 1) return;
    kept = new Objects(join(cache, 'objects')).all().length;
    end();
  });
  await Promise.all(ends);
  await coordinator.close();
  stop.abort();
  await working;

  expect(kept).toBe(2);
});

it('a worker with the label numa does not start on a machine with one NUMA node', async () => {
  const [one, two] = [1, 2].map((nodes) => CampaignProcess.onNodes(nodes, 'worker', '--labels', 'vtx,numa'));

  expect(await one?.ended).toEqual({
    status: 2,
    stdout: '',
    stderr:
      'kvm-memtype: this machine has one NUMA node: jobs of the label numa need a machine with several\n',
  });
  expect((await two?.ended)?.stderr).toContain('a queue is needed');
});

/** A certificate for 127.0.0.1 that nobody knows, and its key. */
function certificate(): { cert: string; key: string } {
  const folder = scratchDir();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const args = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-days',
    '1',
  ];
  execFileSync('openssl', [...args, ...name, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  return { cert, key };
}

it('a worker takes a queue through TLS, if the server proves who it is', async (context) => {
  const { cert, key } = certificate();
  const port = await freePort();
  const tls = ['--tls-port', `${port}`, '--tls-cert-file', cert, '--tls-key-file', key];
  const server = await TestRedis.start(...tls, '--tls-ca-cert-file', cert, '--tls-auth-clients', 'no');
  requireOrSkip(context, server, 'redis-server');
  onTestFinished(() => server.remove());
  const url = `rediss://127.0.0.1:${port}`;

  const stranger = new QueueWorkers().start(url);
  const friend = new QueueWorkers().start(url, undefined, { NODE_EXTRA_CA_CERTS: cert });
  await friend.said(`waits for jobs of vtx at ${url}`);

  const { status, stderr } = await stranger.ended;
  expect(status).toBe(2);
  expect(stderr).toContain(`Redis at ${url} is not trusted: self-signed certificate`);
});

it(
  'a worker proves itself on this machine’s KVM before it waits for jobs, and gets none where it has no KVM',
  NEEDS_KVM,
  async (context) => {
    const server = await TestRedis.start();
    requireOrSkip(context, server, 'redis-server');
    onTestFinished(() => server.remove());
    const workers = new QueueWorkers();
    const good = workers.prove(server.url());
    const bad = workers.prove(server.url(), 'mount --bind /dev/null /dev/kvm');

    const { status, stderr } = await bad.ended;
    await good.said('waits for jobs of vtx');

    expect(status).toBe(2);
    expect(stderr).toContain(
      'this worker gets no jobs: this machine’s KVM gave status 2, 0 is known to be right',
    );
    expect(stderr).not.toContain('waits for jobs');
  },
);
