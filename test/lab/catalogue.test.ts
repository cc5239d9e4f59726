import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { choosePolicy, departure, PROBE_SCENARIOS, type Recorded } from '../../src/check/policy-choice.js';
import { buildKernel } from '../../src/lab/index.js';
import type { Environment } from '../../src/recording/recording.js';
import type { ResultSet, RunResult } from '../../src/report/types.js';
import { readRecordingFile } from '../../src/session/recorded/read.js';
import { replayKernel } from '../../src/session/recorded/replay.js';
import { runCli } from '../support/cli.js';
import { TELLING_BITS } from '../support/tamper.js';
import { noTampers, tamperAll, tamperText } from '../support/tamper-run.js';

/** Where another kernel has every bit of an entry changed: those that tell most, and fewer changes of each scenario. */
const FEWER = { bits: TELLING_BITS, most: 300 };

const CASES = [
  { source: 'debian:6.1', params: [], policy: 'A', other: ['6.12.5', 'D'], how: {} },
  {
    source: 'debian:6.1',
    params: ['kvm.tdp_mmu=N'],
    policy: 'A',
    other: ['6.12.5', 'D'],
    how: FEWER,
  },
  { source: 'debian:7.2', params: [], policy: 'E', other: ['6.12.118', 'E-6.12'], how: FEWER },
] as const;

const choose = (recorded: readonly Recorded[], env: Environment) =>
  choosePolicy(
    'auto',
    recorded.filter(({ scenario }) => PROBE_SCENARIOS.includes(scenario.name)),
    env,
  );

/** What a recording holds of its only kernel. */
async function recordingOf(file: string): Promise<{ env: Environment; recorded: Recorded[] }> {
  const [kernel] = (await readRecordingFile(file)).kernels;
  if (kernel === undefined) throw new Error(`${file} is of no kernel`);
  const listener = {
    header: () => {},
    scenario: () => {},
    footer: () => {},
    progress: () => {},
    warning: () => {},
  };
  const { environment, slots } = replayKernel(kernel, { rerun: () => '' }, listener);
  const recorded = slots.flatMap(({ scenario, recording }) =>
    recording === undefined ? [] : [{ scenario, recording }],
  );
  return { env: environment as Environment, recorded };
}

describe.each(CASES)(
  'the whole catalogue in the lab on $source $params',
  ({ source, params, ...expected }) => {
    // The emulated processor looks on: what it used is held against what the trace tells (docs/lab.md). It costs a third more.
    const isWitnessed = params.length === 0;
    let folder: string;
    let status: number | null;
    let set: ResultSet;
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'catalogue-'));
      const { bzImage } = await buildKernel({ source });
      const options = ['--kernel', bzImage, ...params.flatMap((param) => ['--param', param])];
      const outputs = ['--record', join(folder, 'r.kmr'), '--format', 'json'];
      const witness = isWitnessed ? ['--witness'] : [];
      // It only ends what hangs: the machine shares two processors with all that CI does.
      const timeout = ['--timeout', '3000'];
      const { stdout, ...end } = await runCli(['run', ...options, ...outputs, ...witness, ...timeout]);
      status = end.status;
      [set] = (JSON.parse(stdout) as RunResult).sets as [ResultSet];
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    test('passes, under the policy that probing finds', () => {
      expect(set.scenarios.filter((one) => !['pass', 'skip'].includes(one.status))).toEqual([]);
      expect(status).toBe(0);
      expect(set.policy).toMatchObject({ name: expected.policy, how: 'probed' });
      const leaves = set.scenarios.reduce((sum, { checks }) => sum + (checks.leaves ?? 0), 0);
      expect(leaves).toBeGreaterThan(1_000);
      const walks = set.scenarios.reduce((sum, { checks }) => sum + (checks.walks ?? 0), 0);
      expect(walks > 1_000).toBe(isWitnessed);
      expect(set.scenarios.filter((one) => one.status === 'pass').length).toBeGreaterThanOrEqual(60);
    });

    test('no recording of it passes with a single thing changed, but for what is harmless', async () => {
      const { env, recorded } = await recordingOf(join(folder, 'r.kmr'));
      const choice = choose(recorded, env);
      const { policy } = choice;
      expect([policy.name, departure(choice, env)]).toEqual([expected.policy, undefined]);

      const count = noTampers();
      for (const { scenario, recording } of recorded) {
        // Threads run as they will, so that each recording is another; src/check/tamper.test.ts holds what such ones must show.
        if (recording.outcome !== 'ran' || scenario.name.startsWith('race/')) continue;
        tamperAll(scenario, recording, {
          policy,
          env,
          count,
          ...expected.how,
        });
      }

      console.log(`${source} ${params.join(' ')}: ${tamperText(count)}`);
      expect(count.missed).toEqual([]);
      expect(count.tampered).toBeGreaterThan(10_000);
      // The same recordings under the number of another era do not pass in silence.
      const [release, era] = expected.other;
      const disguised = { ...env, release };
      expect(departure(choose(recorded, disguised), disguised)?.expectedByVersion).toBe(era);
    });
  },
);
