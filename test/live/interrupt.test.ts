import { expect, it } from 'vitest';
import type { RunResult } from '../../src/report/types.js';
import { parseKtap } from '../support/ktap.js';
import { LongRun } from '../support/long-run.js';

it("an agent that dies is the agent's death, not the kernel's", async () => {
  const run = new LongRun('--format', 'json');
  const agent = await run.agent();

  process.kill(agent, 'SIGSEGV');
  const { status, stdout } = await run.end;

  const [set] = (JSON.parse(stdout) as RunResult).sets;
  const lost = set?.scenarios.find(({ skip }) => skip?.reason.startsWith('not run'));
  expect(status).toBe(1);
  expect(set?.crashed).toMatchObject({ kind: 'agent-died', reason: 'it was ended by SIGSEGV' });
  expect(lost?.skip?.reason).toBe('not run: the agent died (agent-died: it was ended by SIGSEGV)');
});

it('and in KTAP the kernel stays alive', async () => {
  const run = new LongRun('--format', 'ktap');
  const agent = await run.agent();

  process.kill(agent, 'SIGKILL');
  const { stdout } = await run.end;

  const names = parseKtap(stdout)[0]
    ?.subtests.filter(({ ok }) => !ok)
    .map(({ name }) => name);
  expect(names).toContain('the agent stays alive');
  expect(names).not.toContain('the kernel stays alive');
});
