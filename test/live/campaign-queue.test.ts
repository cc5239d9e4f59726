import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { requireOrSkip } from '../require.js';
import { CampaignProcess, campaignFile, gone, LONG_CAMPAIGN } from '../support/campaign-process.js';
import { runCli } from '../support/cli.js';
import { scratchDir } from '../support/fake-host.js';
import { REDIS, TestRedis } from '../support/redis.js';

const YAML = `
campaign: queue
kernels: [host]
scenarios: [msr]
shards: 4
fuzz: { seeds: { from: 1, count: 4 }, count: 2 }
limits: { backoff: 0 }
`;
/** Seconds after which a worker is taken for dead. */
const LOCK = '2';

let redis: TestRedis | undefined;
beforeAll(async () => {
  if (existsSync(REDIS)) redis = await TestRedis.start();
});
afterAll(() => redis?.remove());
beforeEach((context) => requireOrSkip(context, redis, 'redis-server'));

function worker(): CampaignProcess {
  const cache = scratchDir();
  onTestFinished(() => rmSync(cache, { recursive: true, force: true }));
  return CampaignProcess.worker('--queue', url(), '--labels', 'vtx', '--lock', LOCK, '--cache', cache);
}
const url = (): string => redis?.url ?? '';
const journalOf = (file: string): string =>
  readFileSync(join(file.replace(/\.yaml$/, '.campaign'), 'runs/0001.jsonl'), 'utf8');
const report = async (file: string): Promise<string> =>
  (await runCli(['campaign', 'report', file, '--no-times'])).stdout;

describe('a campaign through a queue', () => {
  it('loses and doubles nothing where workers are killed or fall silent, and the queue itself is killed', async () => {
    const [embedded, queued] = [campaignFile(YAML), campaignFile(YAML)];
    await runCli(['campaign', 'run', embedded, '--jobs', '2']);
    const workers = [worker(), worker(), worker()];
    const run = CampaignProcess.campaign('run', queued, '--queue', url());

    const [killed, silent] = workers as [CampaignProcess, CampaignProcess];
    await killed.job();
    killed.child.kill('SIGKILL');
    await silent.job();
    silent.child.kill('SIGSTOP');
    await redis?.kill();
    await sleep(500);
    await redis?.start();
    await sleep(Number(LOCK) * 1500);
    silent.child.kill('SIGCONT');

    const { status, stderr } = await run.ended;
    expect(status, stderr).toBe(0);
    expect(await report(queued)).toBe(await report(embedded));
    const done = journalOf(queued).match(/^\{"type":"done".*"host":/gm);
    expect(done?.length).toBe(8);
  });

  it('is resumed when its coordinator was killed: results that came meanwhile are taken from the queue', async () => {
    const file = campaignFile(YAML);
    const first = CampaignProcess.campaign('run', file, '--queue', url());
    while (
      !existsSync(file.replace(/\.yaml$/, '.campaign/runs')) ||
      journalOf(file).split('"begin"').length < 9
    )
      await sleep(20);
    await sleep(200);
    first.child.kill('SIGKILL');
    const one = worker();
    await one.job();

    const { status, stderr } = await runCli(['campaign', 'resume', file, '--queue', url()]);

    expect(status, stderr).toBe(0);
    expect(journalOf(file).match(/^\{"type":"done"/gm)?.length).toBe(8);
    // At least once: on a machine that is too slow for the lock, a job may be done again.
    expect((await readWorker(one)).match(/ is done$/gm)?.length).toBeGreaterThanOrEqual(8);
  });

  it('is cancelled within 10 s, on every host', async () => {
    const file = campaignFile(LONG_CAMPAIGN);
    const own = worker();
    const run = CampaignProcess.campaign('run', file, '--queue', url());
    const pid = await own.job();
    const began = Date.now();

    expect((await runCli(['campaign', 'cancel', file])).stdout).toContain('run 1 is cancelled');

    await gone([pid]);
    expect(Date.now() - began).toBeLessThan(10_000);
    expect((await run.ended).status).toBe(1);
  });

  it('sets a job aside that takes three workers along', async () => {
    const file = campaignFile(LONG_CAMPAIGN);
    const run = CampaignProcess.campaign('run', file, '--queue', url());
    for (let i = 0; i < 3; i++) {
      const victim = worker();
      await victim.job();
      victim.child.kill('SIGKILL');
    }
    worker();

    const { status, stdout } = await run.ended;

    expect(status).toBe(1);
    expect(stdout).toMatch(/its process or its machine was lost: job stalled more than allowable limit/);
  });
});

async function readWorker(one: CampaignProcess): Promise<string> {
  one.child.kill('SIGTERM');
  return (await one.ended).stderr;
}

describe('the address of a queue', () => {
  it.each([
    ['with a password is refused on the command line', ['--queue', 'redis://:hunter2@localhost'], {}],
    ['with a password is told without it', [], { KVM_MEMTYPE_QUEUE: 'http://:hunter2@localhost' }],
  ])('%s', async (_, args, env) => {
    const { status, stderr } = await runCli(['worker', ...args], env);

    expect(status).toBe(2);
    expect(stderr).toMatch(/KVM_MEMTYPE_QUEUE|the queue is a URL such as/);
    expect(stderr).not.toContain('hunter2');
  });
});
