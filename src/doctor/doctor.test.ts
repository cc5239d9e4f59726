import { describe, expect, it, test } from 'vitest';
import { environmentOf } from '../../test/support/environment.js';
import { catalogue } from '../catalogue/index.js';
import type { LabInventory } from '../lab/index.js';
import { type Policy, policies } from '../memtype/index.js';
import type { Environment } from '../recording/recording.js';
import { canCheck, type Diagnosis, diagnosisJson, diagnosisText } from './diagnosis.js';
import { examineKvm } from './kvm.js';
import { examineLab } from './lab.js';

const WHOLE: Environment = { ...environmentOf(policies.get('E') as Policy), missing: {} };
const NONE = { reason: 'it is not there', lift: 'bring it' };
const GIB = 2 ** 30;

const LAB: LabInventory = {
  engines: { bochs: undefined, 'qemu-tcg': undefined },
  build: undefined,
  kernels: { '6.1.192': 2, '7.2.13': 1 },
  snapshots: { count: 3, bytes: 0.5 * GIB, limit: 2 * GIB },
  cache: { path: '/cache', freeBytes: 100 * GIB },
  temporary: { path: '/tmp', freeBytes: 100 * GIB },
};

const kvmOf = (environment: Environment | string) =>
  examineKvm({ name: 'this host', environment }, catalogue);
const lacking = ({ findings }: { findings: readonly { id: string; ok: boolean }[] }): string[] =>
  findings.filter(({ ok }) => !ok).map(({ id }) => id);

// Each row: what differs from a machine that has everything, what lacks, and whether there are scenarios that run.
test.each<[string, Environment | string, string[], boolean]>([
  ['everything', WHOLE, [], true],
  ['no KVM', 'opening /dev/kvm failed: ENOENT, KVM is not available: load kvm_intel', ['kvm'], false],
  ['AMD', { ...WHOLE, vendor: 'amd', paging: 'npt' }, ['ept'], true],
  [
    'shadow paging',
    { ...WHOLE, paging: 'shadow', missing: { 'ept-leaves': NONE } },
    ['ept', 'ept-leaves'],
    true,
  ],
  ['no self-snoop', { ...WHOLE, selfSnoop: false }, ['self-snoop'], true],
  ['no log', { ...WHOLE, kernelLog: NONE }, ['kernel-log'], true],
  [
    'no way to DMA',
    { ...WHOLE, missing: { noncoherent: NONE, 'vfio-mdev': NONE } },
    ['noncoherent', 'vfio-mdev'],
    true,
  ],
])('a machine with %s', (_, environment, ids, runs) => {
  const found = kvmOf(environment);

  expect(lacking(found)).toEqual(ids);
  expect(found.scenarios.run > 0).toBe(runs);
  expect(found.scenarios.run + found.scenarios.skip).toBe(catalogue.length);
  for (const one of found.findings) expect(one.ok).toBe(one.reason === undefined && one.lift === undefined);
});

test('a KVM that does not open says why, and what helps', () => {
  const [found] = kvmOf(
    'opening /dev/kvm failed: EACCES, no permission: join the group that owns it',
  ).findings;

  expect(found).toMatchObject({
    reason: 'opening /dev/kvm failed: EACCES, no permission',
    lift: 'join the group that owns it',
  });
});

// Each row: what differs from a lab that has everything, what lacks, and whether it can be used.
test.each<[string, Partial<LabInventory>, string[], boolean]>([
  ['everything', {}, [], true],
  ['one engine', { engines: { bochs: NONE, 'qemu-tcg': undefined } }, ['bochs'], true],
  ['no engine', { engines: { bochs: NONE, 'qemu-tcg': NONE } }, ['bochs', 'qemu-tcg'], false],
  ['no compiler', { build: NONE }, ['build'], true],
  ['no kernel', { kernels: {} }, ['kernels'], true],
  ['neither', { build: NONE, kernels: {} }, ['build', 'kernels'], false],
  ['another Bochs', { snapshots: NONE }, ['snapshots'], true],
  ['little room', { cache: { path: '/cache', freeBytes: GIB } }, ['cache'], true],
  ['no temporary folder', { temporary: NONE }, ['temporary'], false],
])('a lab with %s', (_, change, ids, usable) => {
  const found = examineLab({ ...LAB, ...change });

  expect(lacking(found)).toEqual(ids);
  expect(found.usable).toBe(usable);
});

describe('a diagnosis', () => {
  const good: Diagnosis = { kvms: [kvmOf(WHOLE)], lab: examineLab(LAB) };
  const bad: Diagnosis = {
    kvms: [kvmOf('opening /dev/kvm failed: ENOENT, KVM is not available')],
    lab: examineLab({ ...LAB, engines: { bochs: NONE, 'qemu-tcg': NONE } }),
  };

  it('is good where something can be checked', () => {
    const [kvms, lab] = [bad.kvms, good.lab] as const;

    expect([good, bad, { kvms, ...(lab && { lab }) }].map(canCheck)).toEqual([true, false, true]);
  });

  it('keeps to the width, and tells a reason that several share once', () => {
    const missing = { 'vfio-mdev': NONE, 'mdev-cdev': NONE };
    const text = diagnosisText({ ...good, kvms: [kvmOf({ ...WHOLE, missing })] }, 80);

    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(text.match(/it is not there/g)).toHaveLength(1);
    expect(text).toContain('yes   kernels that are built: 6.1.192 (2), 7.2.13\n');
  });

  it('does nothing to a terminal, whatever a kernel calls itself', () => {
    const kvms = [kvmOf({ ...WHOLE, release: '6.1\u001b[2J' })];

    for (const text of [diagnosisText({ kvms }, 80), diagnosisJson({ kvms })])
      expect(text).not.toContain('\u001b');
  });
});
