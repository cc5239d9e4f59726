import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { CampaignProcess, campaignFile, gone } from '../support/campaign-process.js';
import { runCli } from '../support/cli.js';

const YAML = `
campaign: lab
kernels: [debian:6.1, debian:7.2]
parameters: { legacy: [kvm.tdp_mmu=N] }
scenarios: [mtrr/live-variable]
fuzz: { seeds: [1], count: 5 }
limits: { jobs: 2 }
`;

it('two kernels are found in the cache once each, then run; what was done before a kill is not done again', async () => {
  const file = campaignFile(YAML);
  const first = CampaignProcess.campaign('run', file);
  const build = await first.job();
  const others = await first.job([build]);
  await gone([build, others]);
  const running = await first.job([build, others]);
  await sleep(500);
  first.child.kill('SIGKILL');
  await gone([running]);

  const { status, stdout, stderr } = await runCli(['campaign', 'resume', file]);

  expect(status, stderr).toBe(0);
  expect(stdout).toContain('6 of 6 jobs done');
  for (const kernel of ['debian:6.1', 'debian:7.2'])
    expect(stdout).toMatch(new RegExp(`\\| ${kernel} \\| \\d\\.\\d+\\.\\d+ \\| [0-9a-f]{12} \\| \\d passed`));
  expect(stderr).not.toContain('building');
});
