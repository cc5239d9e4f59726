import { describe, expect, test } from 'vitest';
import { environmentOf, needsTdpMmu, runsUnder } from '../../test/support/environment.js';
import { asLegacy, simulate } from '../../test/support/simulate.js';
import { TELLING_BITS } from '../../test/support/tamper.js';
import { noTampers, tamperAll } from '../../test/support/tamper-run.js';
import { catalogue } from '../catalogue/index.js';
import { type Policy, policies } from '../memtype/index.js';
import type { Environment } from '../recording/recording.js';
import type { Scenario } from '../scenario/types.js';

/** Each row: a policy, what maps guests, and how the environment differs from an EPT host with the TDP MMU. */
const MACHINES: readonly (readonly [name: string, what: string, Partial<Environment>])[] = [
  ['A', 'the TDP MMU', {}],
  ['E-6.12', 'the TDP MMU', {}],
  ['E+P5', 'the TDP MMU', {}],
  ['A', 'the legacy MMU', { params: { 'kvm.tdp_mmu': 'N' } }],
  ['npt', 'nested paging', { paging: 'npt' }],
];

const FAMILIES = [...new Set(catalogue.map(({ name }) => name.replace(/\/.*/, '')))];

describe.each(MACHINES)('policy %s, %s', (name, _, changes) => {
  const policy = policies.get(name) as Policy;
  const env = { ...environmentOf(policy), ...changes };
  const legacy = env.params['kvm.tdp_mmu'] === 'N';
  const runs = (scenario: Scenario): boolean =>
    runsUnder(scenario, policy) && !(legacy && needsTdpMmu(scenario));
  const families = FAMILIES.filter((family) =>
    catalogue.some((s) => s.name.startsWith(`${family}/`) && runs(s)),
  );

  test.each(families)(
    '%s: no single deletion, duplication or change of what was recorded passes, but the harmless ones',
    (family) => {
      const count = noTampers();
      for (const scenario of catalogue.filter((s) => s.name.startsWith(`${family}/`) && runs(s))) {
        const recording = simulate(scenario, policy, legacy);
        tamperAll(scenario, legacy ? asLegacy(recording) : recording, {
          policy,
          env,
          count,
          bits: TELLING_BITS,
        });
      }

      expect(count.missed).toEqual([]);
      expect(count.noticed).toBeGreaterThan(count.tampered / 2);
    },
  );
});
