import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runKey } from '../../src/campaign/queue/protocol.js';
import { openServer } from '../../src/campaign/queue/server/open.js';
import { CampaignFolder } from '../../src/campaign/store/folder.js';
import { patiently } from '../patience.js';
import { NEEDS_KVM, requireOrSkip } from '../require.js';
import {
  CampaignProcess,
  campaignFile,
  gone,
  LONG_CAMPAIGN,
  QueueWorkers,
} from '../support/campaign-process.js';
import { runCli } from '../support/cli.js';
import { TestPostgres, TestRedis, type TestServer } from '../support/queue-servers.js';

const YAML = `
campaign: queue
kernels: [host]
scenarios: [msr/readback]
shards: 2
fuzz: { seeds: { from: 1, count: 2 }, count: 2 }
limits: { backoff: 0 }
`;
const JOBS = 4;

/** What it holds by now. */
function journalOf(file: string): string {
  const journal = join(file.replace(/\.yaml$/, '.campaign'), 'runs/0001.jsonl');
  return existsSync(journal) ? readFileSync(journal, 'utf8') : '';
}

describe.each([
  ['Redis', () => TestRedis.start()],
  ['PostgreSQL', () => TestPostgres.start()],
])('a campaign through a queue on %s', (name, start) => {
  let server: TestServer | undefined;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server?.remove());
  beforeEach((context) => requireOrSkip(context, server, name));
  const url = (): string => server?.url() ?? '';
  const workers = new QueueWorkers();
  const campaign = (...args: string[]): CampaignProcess => CampaignProcess.queued(url(), ...args);

  it(
    'is resumed when its coordinator was killed: results that came meanwhile are taken from the queue',
    NEEDS_KVM,
    async () => {
      const file = campaignFile(YAML);
      const first = campaign('run', file);
      while (journalOf(file).split('"begin"').length <= JOBS) await sleep(20);
      await sleep(200);
      first.child.kill('SIGKILL');
      const one = workers.start(url());
      await one.job();

      const { status, stderr } = await runCli(['campaign', 'resume', file], { KVM_MEMTYPE_QUEUE: url() });

      expect(status, stderr).toBe(0);
      expect(journalOf(file).match(/^\{"type":"done"/gm)?.length).toBe(JOBS);
      one.child.kill('SIGTERM');
      // At least once: on a machine that is too slow for the lock, a job may be done again.
      expect((await one.ended).stderr.match(/ is done$/gm)?.length).toBeGreaterThanOrEqual(JOBS);
    },
  );

  it('is cancelled within 10 s, on every host', NEEDS_KVM, async () => {
    const file = campaignFile(LONG_CAMPAIGN);
    const own = workers.start(url());
    const run = campaign('run', file);
    const pid = await own.job();
    const began = Date.now();

    expect((await runCli(['campaign', 'cancel', file])).stdout).toContain('run 1 is cancelled');

    await gone([pid]);
    expect(Date.now() - began).toBeLessThan(patiently(10_000));
    expect((await run.ended).status).toBe(1);
    own.child.kill('SIGTERM');
    await own.ended;
  });

  it('is not cancelled without its queue when its coordinator was killed, and with it again', async () => {
    const file = campaignFile(YAML);
    const first = campaign('run', file);
    while (!journalOf(file).includes('"begin"')) await sleep(20);
    first.child.kill('SIGKILL');
    await first.ended;
    const cancel = (env?: Record<string, string>) => runCli(['campaign', 'cancel', file], env);

    const without = await cancel();
    const away = await cancel({ KVM_MEMTYPE_QUEUE: 'redis://127.0.0.1:1' });
    const [one, two] = [
      await cancel({ KVM_MEMTYPE_QUEUE: url() }),
      await cancel({ KVM_MEMTYPE_QUEUE: url() }),
    ];

    expect([without.status, away.status, one.status, two.status]).toEqual([2, 2, 0, 0]);
    expect(without.stderr).toContain('--queue stops them');
    const client = await openServer(url());
    const { table } = new CampaignFolder(file.replace(/\.yaml$/, '.campaign')).last();
    expect([table.state, await client.isStopped(runKey(table))]).toEqual(['cancelled', true]);
    await client.close();
  });

  it('sets a job aside that takes three workers along', NEEDS_KVM, async () => {
    const run = campaign('run', campaignFile(LONG_CAMPAIGN));
    for (let i = 0; i < 3; i++) {
      const victim = workers.start(url());
      // A worker that is too slow for the lock may have cost the job one of its lives.
      await Promise.race([victim.job(), run.ended]);
      victim.child.kill('SIGKILL');
    }
    workers.start(url());

    const { status, stdout, stderr } = await run.ended;

    expect(status).toBe(1);
    expect(stdout).toMatch(/its process or its machine was lost: job stalled more than allowable limit/);
    expect(stdout + stderr).not.toContain(server?.password ?? 'not a word');
  });
});

it('a run is not begun where its queue is refused', async (context) => {
  const server = await TestRedis.start('--maxmemory-policy', 'allkeys-lru');
  requireOrSkip(context, server, 'redis-server');
  const file = campaignFile(YAML);

  const { status, stderr } = await runCli(['campaign', 'run', file, '--queue', server.url()]);
  const again = await runCli(['campaign', 'status', file]);
  await server.remove();

  expect([status, stderr]).toEqual([2, expect.stringContaining('set maxmemory-policy noeviction')]);
  expect(again.stderr).toContain('holds no campaign');
});

describe('the address of a queue', () => {
  it.each<[string, string[], Record<string, string>]>([
    ['with a password is refused on the command line', ['--queue', 'redis://:hunter2@localhost'], {}],
    ['of PostgreSQL with one is refused too', ['--queue', 'postgres://me@localhost/db?password=hunter2'], {}],
    ['with a password is told without it', [], { KVM_MEMTYPE_QUEUE: 'http://:hunter2@localhost' }],
  ])('%s', async (_, args, env) => {
    const { status, stderr } = await runCli(['worker', ...args], env);

    expect(status).toBe(2);
    expect(stderr).toMatch(/KVM_MEMTYPE_QUEUE|the queue is a URL such as/);
    expect(stderr).not.toContain('hunter2');
  });
});
