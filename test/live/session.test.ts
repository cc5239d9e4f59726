import { expect, test } from 'vitest';
import { MT } from '../../src/arch/memory-types.js';
import { defType, MSR } from '../../src/arch/msrs.js';
import { rdmsr, scenario, wrmsr } from '../../src/scenario/builder.js';
import type { Scenario } from '../../src/scenario/types.js';
import { runSession, type SessionListener } from '../../src/session/session.js';
import { patiently } from '../patience.js';
import { NEEDS_KVM } from '../require.js';

const QUIET: SessionListener = { header: () => {}, scenario: () => {}, progress: () => {} };
const OWN = scenario('own/write', 'A write that is read back', { needs: [] }, [
  wrmsr(MSR.DEF_TYPE, defType(MT.WT)),
  rdmsr(MSR.DEF_TYPE),
]);

const run = (scenarios: readonly Scenario[], repeat = 1) =>
  runSession(
    {
      name: 'host',
      target: { engine: 'host', device: null },
      scenarios,
      catalogue: [],
      policy: 'none',
      repeat,
      timeoutMs: patiently(60_000),
      rerun: (name) => name,
    },
    QUIET,
  );

test('a scenario that is in no catalogue travels to the agent, and is judged', NEEDS_KVM, async () => {
  const { scenarios } = await run([OWN], 3);

  expect(scenarios.map(({ family, name, status, checks }) => [family, name, status, checks.msrs])).toEqual([
    ['own', 'write', 'pass', 2],
    ['own', 'write', 'pass', 2],
    ['own', 'write', 'pass', 2],
  ]);
});

test('a scenario that is none is an error in one sentence, and nothing of the run is done', async () => {
  const bad = { ...OWN, name: 'own/bad', steps: [...OWN.steps, { do: 'dance' }] } as unknown as Scenario;

  await expect(run([OWN, bad])).rejects.toMatchObject({
    code: 'SPEC',
    message: expect.stringMatching(
      /^the agent cannot read what it is to do: scenarios\[1\]\.steps\[2\]\.do: [^\n]+$/,
    ),
  });
});
