/** @module-tag kvm */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { patiently } from '../patience.js';
import { requireOrSkip } from '../require.js';
import { CampaignProcess, campaignFile, QueueWorkers } from '../support/campaign-process.js';
import { runCli } from '../support/cli.js';
import { scratchDir } from '../support/fake-host.js';
import { TestPostgres, TestRedis, type TestServer } from '../support/queue-servers.js';
import { TestProxy } from '../support/tcp.js';

/** The long form has the times of real use. */
const IS_LONG = process.env.KVM_MEMTYPE_BUILDS !== undefined;
/** Seconds after which a worker is taken for dead, and for which the connection of one is cut. */
const [LOCK, CUT] = IS_LONG ? [6, 20] : [2, 4];
const YAML = `
campaign: faults
kernels: [host]
scenarios: [msr, filter]
shards: ${IS_LONG ? 24 : 4}
fuzz: { seeds: { from: 1, count: ${IS_LONG ? 24 : 4} }, count: 2 }
limits: { backoff: 0 }
`;
const JOBS = IS_LONG ? 48 : 8;

/** A file system of 64 MiB, of which a worker that is idle needs a quarter. */
function smallDisk(): string {
  const folder = scratchDir();
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'none', folder]);
  onTestFinished(() => {
    execFileSync('umount', ['-l', folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function fill(folder: string): string {
  const file = join(folder, 'filler');
  const { bavail, bsize } = statfsSync(folder);
  execFileSync('fallocate', ['-l', String(bavail * bsize), file]);
  return file;
}

const report = async (file: string): Promise<string> =>
  (await runCli(['campaign', 'report', file, '--no-times'])).stdout;

let embedded: Promise<string> | undefined;
/** What the campaign comes to without any queue. */
async function withoutQueue(): Promise<string> {
  const file = campaignFile(YAML);
  await runCli(['campaign', 'run', file, '--jobs', '2']);
  return report(file);
}

it.for<[string, () => Promise<TestServer | undefined>]>([
  ['Redis', () => TestRedis.start()],
  ['PostgreSQL', () => TestPostgres.start()],
])(
  'a queue on %s loses and doubles nothing: a worker is killed, one is cut off, the disk of one is full, the server is killed',
  { timeout: patiently(IS_LONG ? 900_000 : 90_000) },
  async ([name, start], context) => {
    const server = await start();
    requireOrSkip(context, server, name);
    onTestFinished(() => server.remove());
    const proxy = await TestProxy.to(server.port);
    onTestFinished(() => proxy.close());
    embedded ??= withoutQueue();
    const expected = await embedded;
    const disk = smallDisk();
    const file = campaignFile(YAML);
    const workers = new QueueWorkers(LOCK);
    const killed = workers.start(server.url());
    const cut = workers.start(server.url(proxy.port));
    const full = workers.start(server.url(), disk);
    const run = CampaignProcess.queued(server.url(), 'run', file);

    await Promise.all([killed.job(), cut.job(), full.job()]);
    const filler = fill(disk);
    killed.child.kill('SIGKILL');
    proxy.cut();
    await sleep(500);
    await server.kill();
    await sleep(500);
    await server.start();
    await sleep(CUT * 1000);
    proxy.mend();
    await full.said('takes no jobs: the disk was full');
    rmSync(filler);

    const { status, stderr } = await run.ended;
    expect(status, stderr).toBe(0);
    expect(await report(file)).toBe(expected);
    const journal = readFileSync(join(file.replace(/\.yaml$/, '.campaign'), 'runs/0001.jsonl'), 'utf8');
    expect(journal.match(/^\{"type":"done".*"host":/gm)?.length).toBe(JOBS);
    expect(existsSync(filler)).toBe(false);
  },
);
