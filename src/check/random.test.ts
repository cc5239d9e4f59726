import fc from 'fast-check';
import { expect, test } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { asLegacy, simulate } from '../../test/support/simulate.js';
import { MSR } from '../arch/msrs.js';
import { ALL_POLICIES, type Policy } from '../memtype/index.js';
import { cd, discard, memslot, mib, scenario, touch, wrmsr } from '../scenario/builder.js';
import type { Step } from '../scenario/types.js';
import { judge } from './judge.js';
import { explainedBy } from './policy-choice.js';

const EPT_POLICIES = ALL_POLICIES.filter(({ paging }) => paging === 'ept');
const RUNS = 300;

const vcpu = fc.nat(1);
const gpa = fc.nat(15).map((page) => mib(4) + BigInt(page) * 0x1000n);

/** A step that any kernel takes at any time. Devices come and go in pairs, so they are left to the whole list. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ gpa, vcpu }).map((o) => touch(o.gpa, o)) },
  fc
    .record({ vcpu, value: fc.constantFrom(0n, 0x800n, 0x806n, 0xc05n, 0x802n) })
    .map((o) => wrmsr(MSR.DEF_TYPE, o.value, o)),
  fc
    .constantFrom<() => Step>(
      () => wrmsr(MSR.PAT, 6n),
      () => wrmsr(0x278, 0n),
      () => memslot(1, mib(64), 4),
      () => cd(true),
      () => cd(false),
      () => cd(true, { by: 'host' }),
    )
    .map((make) => make()),
  fc.record({ gpa, pages: fc.integer({ min: 1, max: 4 }) }).map((o) => discard(o.gpa, o.pages)),
);

/** Put a device on and off in turns in the places of some steps. */
const withDevices = (steps: readonly Step[], places: ReadonlySet<number>): Step[] => {
  let on = false;
  return steps.map((s, i): Step => {
    if (!places.has(i)) return s;
    on = !on;
    return { do: 'noncoherent', on };
  });
};

const scenarios = fc
  .record({ steps: fc.array(step, { maxLength: 40 }), places: fc.array(fc.nat(39)) })
  .map(({ steps, places }) =>
    scenario('test/random', 'Random steps', { needs: [], vcpus: 2 }, withDevices(steps, new Set(places))),
  );

test('a random run of a kernel passes under its own policy, and the policy is among those that explain it', () => {
  fc.assert(
    fc.property(fc.constantFrom(...EPT_POLICIES), scenarios, (policy: Policy, s) => {
      const recording = simulate(s, policy);
      const env = environmentOf(policy);
      expect(judge(s, recording, policy, env).mismatches).toEqual([]);
      expect(explainedBy([{ scenario: s, recording }], env)).toContain(policy.name);
    }),
    { numRuns: RUNS },
  );
});

test('the same with kvm.tdp_mmu=N, by the leaves that are made and counted', () => {
  fc.assert(
    fc.property(fc.constantFrom(...EPT_POLICIES), scenarios, (policy: Policy, s) => {
      const env = { ...environmentOf(policy), params: { 'kvm.tdp_mmu': 'N' } };
      expect(judge(s, asLegacy(simulate(s, policy, true)), policy, env).mismatches).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});
