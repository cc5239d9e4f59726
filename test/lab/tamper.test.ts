import { expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { judge } from '../../src/check/judge.js';
import { choosePolicy, departure, PROBE_SCENARIOS, type Recorded } from '../../src/check/policy-choice.js';
import { buildKernel } from '../../src/lab/index.js';
import type { Environment } from '../../src/recording/recording.js';
import { follow } from '../../src/session/follow.js';
import { Lane } from '../../src/session/lane.js';
import { TELLING_BITS } from '../support/tamper.js';
import { noTampers, tamperAll, tamperText } from '../support/tamper-run.js';

/** What an agent records of the whole catalogue on a kernel in the lab. */
async function record(
  kernel: string,
  params: readonly string[],
): Promise<{ env: Environment; recorded: Recorded[] }> {
  const lane = new Lane(catalogue.map((scenario) => ({ scenario, wanted: true, round: 1 })));
  const target = { engine: 'bochs', kernel, params } as const;
  const outcome = await follow(lane, { target, timeoutMs: 600_000 }, () => {});
  expect(lane.death(outcome)).toBeUndefined();
  const recorded = lane.slots.flatMap(({ scenario, recording }) =>
    recording === undefined ? [] : [{ scenario, recording }],
  );
  return { env: lane.environment as Environment, recorded };
}

const choose = (recorded: readonly Recorded[], env: Environment) =>
  choosePolicy(
    'auto',
    recorded.filter(({ scenario }) => PROBE_SCENARIOS.includes(scenario.name)),
    env,
  );

// Each row: kernel, module parameters, the policy that probing finds, a release that is known for another one, and the bits of entries
// that are changed: on one kernel all of them, as each takes a minute.
test.each([
  ['debian:6.1', [], 'A', '6.12.5', 'D', undefined],
  ['debian:6.1', ['kvm.tdp_mmu=N'], 'A', '6.12.5', 'D', TELLING_BITS],
  ['debian:7.2', [], 'E', '6.12.118', 'E-6.12', TELLING_BITS],
] as const)(
  'of the real recordings on %s with %j, none passes with a single thing changed, but for what is harmless',
  async (source, params, policyName, release, expected, bits) => {
    const { env, recorded } = await record((await buildKernel({ source })).bzImage, params);
    const choice = choose(recorded, env);
    const { policy } = choice;
    expect([policy.name, departure(choice, env)]).toEqual([policyName, undefined]);

    const count = noTampers();
    for (const { scenario, recording } of recorded) {
      // Threads run as they will, so that each recording is another; src/check/tamper.test.ts holds what such ones must show.
      if (recording.outcome !== 'ran' || scenario.name.startsWith('race/')) continue;
      expect([scenario.name, judge(scenario, recording, policy, env).status]).toEqual([
        scenario.name,
        'pass',
      ]);
      tamperAll(scenario, recording, { policy, env, count, ...(bits && { bits }) });
    }

    console.log(`${source} ${params.join(' ')}: ${tamperText(count)}`);
    expect(count.missed).toEqual([]);
    expect(count.tampered).toBeGreaterThan(10_000);
    // The same recordings under the number of another era do not pass in silence.
    const disguised = { ...env, release };
    expect(departure(choose(recorded, disguised), disguised)?.expectedByVersion).toBe(expected);
  },
);
