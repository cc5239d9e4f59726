import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CampaignFolder } from '../../src/campaign/store/folder.js';
import { toolText } from '../../src/cli/commands/fleet/folder.js';
import { NEEDS_KVM } from '../require.js';
import { planOfKernels } from '../support/campaign.js';
import { CampaignProcess, campaignFile, gone, LONG_CAMPAIGN } from '../support/campaign-process.js';
import { runCli } from '../support/cli.js';

const YAML = `
campaign: host
kernels: [host]
scenarios: [msr]
shards: 3
fuzz: { seeds: { from: 1, count: 3 }, count: 2 }
limits: { jobs: 2, backoff: 0 }
`;

const report = (file: string, ...args: string[]) => runCli(['campaign', 'report', file, ...args]);

describe('a campaign on this host', () => {
  it(
    'comes to the same, killed at five moments and resumed, as one that nobody killed',
    NEEDS_KVM,
    async () => {
      const [whole, killed] = [campaignFile(YAML), campaignFile(YAML)];
      const { status, stdout } = await runCli(['campaign', 'run', whole]);
      expect([status, stdout]).toEqual([0, expect.stringContaining('6 of 6 jobs done')]);
      // Counted from the begin of a job.
      const moments = Array.from({ length: 5 }, () => randomInt(0, 900));

      let command = 'run';
      for (const moment of moments) {
        const one = CampaignProcess.campaign(command, killed);
        await one.job().catch(() => undefined);
        await Promise.race([sleep(moment), one.ended]);
        const jobs = one.jobs();
        one.child.kill('SIGKILL');
        await one.ended;
        await gone(jobs);
        command = 'resume';
      }
      const last = await runCli(['campaign', 'resume', killed]);

      // It may have come to its end before the fifth.
      expect(last.status === 0 || /is over/.test(last.stderr), `${moments}: ${last.stderr}`).toBe(true);
      expect((await report(killed, '--no-times')).stdout).toBe((await report(whole, '--no-times')).stdout);
      const journal = readFileSync(killed.replace('.yaml', '.campaign/runs/0001.jsonl'), 'utf8');
      const done = journal.split('\n').filter((line) => line.startsWith('{"type":"done"'));
      expect(new Set(done.map((line) => JSON.parse(line).job)).size).toBe(6);
      expect(done.length).toBe(6);
    },
  );

  it('sets a job aside that takes its process along three times', async () => {
    const file = campaignFile(LONG_CAMPAIGN);
    const run = CampaignProcess.campaign('run', file);
    const killed: number[] = [];
    for (let i = 0; i < 3; i++) {
      const pid = await run.job(killed);
      await sleep(100);
      process.kill(pid, 'SIGKILL');
      killed.push(pid);
    }

    const { status, stdout } = await run.ended;

    expect(status).toBe(1);
    expect(stdout).toMatch(/its process or its machine was lost 3 times; set aside: it was ended by SIGKILL/);
  });

  it('is cancelled from elsewhere within 10 s, and then over for good', async () => {
    const file = campaignFile(LONG_CAMPAIGN);
    const run = CampaignProcess.campaign('run', file);
    const pid = await run.job();
    const status = await runCli(['campaign', 'status', file, '--json']);
    expect(JSON.parse(status.stdout)).toMatchObject({
      state: 'running',
      running: ['scenarios on this host'],
    });
    const began = Date.now();

    const cancelled = await runCli(['campaign', 'cancel', file]);

    expect(cancelled.stdout).toBe('run 1 is cancelled: 0 jobs were done\n');
    expect((await run.ended).status).toBe(1);
    await gone([pid]);
    expect(Date.now() - began).toBeLessThan(10_000);
    expect((await runCli(['campaign', 'resume', file])).stderr).toContain('was cancelled');
    expect((await report(file)).stdout).toContain('# Campaign long: cancelled');
  });

  it('stays open when it is interrupted, and says how to go on', async () => {
    const file = campaignFile(LONG_CAMPAIGN);
    const run = CampaignProcess.campaign('run', file);
    await run.job();

    run.child.kill('SIGINT');

    expect((await run.ended).stderr).toMatch(/run 1 is not over: campaign resume .*test\.campaign goes on/);
    expect((await runCli(['campaign', 'run', file])).stderr).toMatch(/run 1 in .* is not over/);
  });
});

it(
  'jobs for a host with several NUMA nodes come to results there alone, and are tried once elsewhere',
  NEEDS_KVM,
  async () => {
    const yaml = 'campaign: numa\nkernels: [host, { host: numa }]\nscenarios: [msr/readback]';
    const [one, two] = [campaignFile(yaml), campaignFile(yaml)];

    const without = await CampaignProcess.onNodes(1, 'campaign', 'run', one).ended;
    const having = await CampaignProcess.onNodes(2, 'campaign', 'run', two).ended;

    expect(without.status).toBe(1);
    expect(without.stdout).toContain('1 of 2 jobs done');
    expect(without.stdout).toMatch(
      /scenarios on numa host: the machine has not what it needs: this machine has one NUMA node/,
    );
    expect(having.stdout).toContain('2 of 2 jobs done');
  },
);

it(
  'random scenarios of a seed end by their machine’s clock; where all are skipped, which takes none of its time, after some',
  NEEDS_KVM,
  async () => {
    const file = campaignFile(
      'campaign: time\nkernels: [host]\nscenarios: none\nfuzz: { seeds: [1], time: 1 }',
    );
    const plan = await runCli(['campaign', 'plan', file]);
    expect(plan.stdout).toContain('1 seed of 1 s of their machine each, 100000 at most');

    const { stdout } = await runCli(['campaign', 'run', file]);

    expect(stdout).toContain('1 of 1 job done');
  },
);

it('resume says that the file was written since the run began, whose plan it goes on with', async () => {
  const file = campaignFile('campaign: old\nkernels: [host]\nscenarios: none\n');
  const plan = planOfKernels([], 'scenarios: none');
  const folder = file.replace('.yaml', '.campaign');
  new CampaignFolder(folder).add({ ...plan, tool: toolText() });
  writeFileSync(file, 'campaign: other\nkernels: [host]\n');

  const { stderr, stdout } = await runCli(['campaign', 'resume', file]);

  expect(stderr).toContain(`${file} was written after run 1 began, which goes on as it was planned then`);
  expect(stdout).toContain('# Campaign test: complete');
});

it.each([
  ['a file that is none', '/nonexistent.yaml', /cannot read \/nonexistent.yaml: there is no such file/],
  [
    'a pattern that fits nothing',
    campaign('scenarios: [nothing-such]'),
    /no scenario is called nothing-such/,
  ],
  ['an image that is not there', campaign('', '/nonexistent'), /\/nonexistent/],
  ['images that are not there', campaign('', '/nonexistent/*.img'), /no kernel image is called/],
  ['a kernel named twice', campaign('', 'host, host'), /two kernels are called this host/],
])('%s is refused in one sentence', async (_, given, why) => {
  const file = given.includes('\n') ? campaignFile(given) : given;

  const { status, stderr, stdout } = await runCli(['campaign', 'plan', file]);

  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(why);
  expect(stderr.trim()).not.toContain('\n');
});

function campaign(rest: string, kernels = 'host'): string {
  return `campaign: bad\nkernels: [${kernels}]\n${rest}\n`;
}
