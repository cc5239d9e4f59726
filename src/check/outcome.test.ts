import { expect, test } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { findPolicy } from '../memtype/index.js';
import type { Environment } from '../recording/recording.js';
import { scenario, touch } from '../scenario/builder.js';
import type { Need } from '../scenario/types.js';
import { judge } from './judge.js';

const missing = { reason: 'KVM says no', lift: 'another kernel' };

// Each row: what a scenario needs and the machine has not, the policy of its version, the CPU, and what the skip is.
test.each<[Need, string, Partial<Environment>, 'skip' | 'fail']>([
  ['quirk-cd-nw-cleared', 'E', {}, 'fail'],
  ['quirk-cd-nw-cleared', 'A', {}, 'fail'],
  ['quirk-cd-nw-cleared', 'A-4.4', { release: '5.10.262' }, 'skip'],
  ['quirk-ignore-guest-pat', 'E', {}, 'fail'],
  ['quirk-ignore-guest-pat', 'E', { selfSnoop: false }, 'skip'],
  ['quirk-ignore-guest-pat', 'D', {}, 'skip'],
  ['virtio-device', 'E', {}, 'skip'],
  ['virtio-device', 'E+P5-device', {}, 'fail'],
  ['memslot-flag', 'E', {}, 'skip'],
  ['memslot-flag', 'E+P5-memslot', {}, 'fail'],
  ['pci-bar', 'E', {}, 'skip'],
])('without %s on a kernel of policy %s with %j a scenario is a %s', (need, name, cpu, status) => {
  const policy = findPolicy(name);
  const one = scenario('test/one', 'Needs something', { needs: [need] }, [touch(0n)]);
  const recording = { scenario: one.name, durationMs: 0, outcome: 'skip', missing } as const;

  const verdict = judge(one, recording, policy, {
    ...environmentOf(policy),
    ...cpu,
    missing: { [need]: missing },
  });

  expect(verdict.status).toBe(status);
  expect(verdict.mismatches.map(({ what, seen }) => [what, seen])).toEqual(
    status === 'fail' ? [[`need ${need}`, 'KVM says no']] : [],
  );
});
