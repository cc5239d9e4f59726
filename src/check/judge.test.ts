import { expect, test } from 'vitest';
import { environmentOf, needsTdpMmu, runsUnder } from '../../test/support/environment.js';
import { asLegacy, simulate, spteOf, withoutCounts } from '../../test/support/simulate.js';
import { MT } from '../arch/memory-types.js';
import { defType, MSR } from '../arch/msrs.js';
import { catalogue } from '../catalogue/index.js';
import { ALL_POLICIES, type Policy, policies } from '../memtype/index.js';
import type { Environment, Recording, StepRecord } from '../recording/recording.js';
import { mib, noncoherent, rdmsr, scenario, touch, touchMany, wrmsr } from '../scenario/builder.js';
import type { Scenario } from '../scenario/types.js';
import { judge } from './judge.js';

const policy = (name: string): Policy => policies.get(name) as Policy;
const envOf = (name: string): Environment => environmentOf(policy(name));

const SIMPLE = scenario(
  'test/simple',
  'A few pages, a zap and an MSR',
  { needs: ['ept-leaves', 'noncoherent'] },
  [
    noncoherent(true),
    touchMany(mib(4), 2),
    wrmsr(MSR.DEF_TYPE, defType(MT.WT)),
    touch(mib(4)),
    rdmsr(MSR.DEF_TYPE),
  ],
);

const EPT_POLICIES = ALL_POLICIES.filter((p) => p.paging === 'ept').map((p) => p.name);

type Ran = Extract<Recording, { outcome: 'ran' }>;

/** The recording with one step changed. */
function change(recording: Ran, step: number, by: (record: StepRecord) => StepRecord): Ran {
  return {
    ...recording,
    steps: recording.steps.map((record) => (record.step === step ? by(record) : record)),
  };
}

const judgeA = (recording: Recording, s: Scenario = SIMPLE) => judge(s, recording, policy('A'), envOf('A'));

test.each(EPT_POLICIES)(
  'what a kernel of policy %s does passes under that policy, for the whole catalogue',
  (name) => {
    for (const s of catalogue.filter((s) => runsUnder(s, policy(name)))) {
      const verdict = judge(s, simulate(s, policy(name)), policy(name), envOf(name));
      expect([s.name, verdict.status, verdict.mismatches]).toEqual([s.name, 'pass', []]);
    }
  },
);

test.each(ALL_POLICIES.filter((p) => p.paging === 'npt').map((p) => p.name))(
  'with nested paging what a kernel of policy %s does passes too',
  (name) => {
    const env = { ...envOf(name), paging: 'npt' as const };
    for (const s of catalogue.filter((s) => runsUnder(s, policy(name)))) {
      const verdict = judge(s, simulate(s, policy(name)), policy(name), env);
      expect([s.name, verdict.status, verdict.mismatches]).toEqual([s.name, 'pass', []]);
    }
  },
);

test.each([
  ['A', 'B'],
  ['A', 'D'],
  ['B', 'D'],
  ['D', 'A'],
  ['E', 'A'],
  ['A', 'A+P2'],
])('what a kernel of policy %s does fails under policy %s somewhere in the catalogue', (real, wrong) => {
  const bad = catalogue.filter(
    (s) =>
      runsUnder(s, policy(real)) &&
      judge(s, simulate(s, policy(real)), policy(wrong), envOf(wrong)).status === 'fail',
  );

  expect(bad.length).toBeGreaterThan(0);
});

test('the probe scenario alone tells the four eras apart', () => {
  const probe = catalogue[0] as Scenario;
  const eras = ['A', 'B', 'D'];
  for (const real of eras) {
    const fitting = eras.filter(
      (name) => judge(probe, simulate(probe, policy(real)), policy(name), envOf(real)).status === 'pass',
    );
    expect(fitting).toEqual([real]);
  }
});

// Each row: who writes, the vector that is seen, and whether it fails under the policies and A.
test.each([
  ['guest', 13, 'pass', 'pass'],
  ['guest', 8, 'pass', 'fail'],
  ['guest', 14, 'fail', 'fail'],
  ['host', undefined, 'pass', 'pass'],
  ['host', 13, 'pass', 'fail'],
  ['host', 8, 'fail', 'fail'],
] as const)('a reserved bit of an MTRR written by the %s, vector %s', (by, vector, old, now) => {
  const s = scenario('test/gp', 'A reserved bit', {}, [wrmsr(MSR.PHYSMASK0, 1n, { by })]);
  const status = (name: string) => {
    const recording = change(simulate(s, policy(name)), 0, ({ vector: _, ...record }) => ({
      ...record,
      ...(vector !== undefined && { vector }),
    }));
    return judge(s, recording, policy(name), envOf(name)).status;
  };

  expect([status('A-4.4'), status('A')]).toEqual([old, now]);
});

test('a simulated kernel passes and its checks are counted', () => {
  const verdict = judgeA(simulate(SIMPLE, policy('A')));

  expect(verdict.status).toBe('pass');
  expect(verdict.checks).toMatchObject({ leaves: 5, zaps: 3, msrs: 2 });
});

test('a leaf of a wrong type is a failure that names type, gfn and vCPU', () => {
  const wrong = spteOf({ gfn: 0x400, type: 'WB', ipat: true });
  const recording = change(simulate(SIMPLE, policy('A')), 1, (r) => ({
    ...r,
    events: [
      { kind: 'change', gfn: 0x400, level: 1, old: 0n, new: wrong },
      { kind: 'set', gfn: 0x400, level: 1, spte: wrong },
    ],
  }));

  const verdict = judgeA(recording);

  expect(verdict.status).toBe('fail');
  expect(verdict.mismatches[0]).toMatchObject({
    step: 2,
    vcpu: 0,
    gfn: 0x400,
    what: 'leaf',
    expected: 'UC IPAT=0',
    seen: 'WB IPAT=1',
  });
  expect(verdict.mismatches[0]?.why.length).toBeGreaterThan(0);
});

test('a leaf that is not made is a failure', () => {
  const verdict = judgeA(change(simulate(SIMPLE, policy('A')), 2, (r) => ({ ...r, events: [] })));

  expect(verdict.mismatches[0]).toMatchObject({ step: 3, gfn: 0x401, seen: 'no leaf was made' });
});

test('a zap that does not come is a failure', () => {
  const drop = (r: StepRecord): StepRecord => ({
    ...r,
    events: (r.events ?? []).filter((e) => e.kind !== 'change' || e.gfn !== 0x400),
  });

  const verdict = judgeA(change(simulate(SIMPLE, policy('A')), 3, drop));

  expect(verdict.mismatches[0]).toMatchObject({ step: 4, gfn: 0x400, what: 'zap', seen: 'the leaf stayed' });
});

test('a needless zap is a failure', () => {
  const old = spteOf({ gfn: 0x400, type: 'UC', ipat: false });
  const verdict = judgeA(
    change(simulate(SIMPLE, policy('A')), 2, (r) => ({
      ...r,
      events: [...(r.events ?? []), { kind: 'change', gfn: 0x400, level: 1, old, new: 0n }],
    })),
  );

  expect(verdict.mismatches[0]).toMatchObject({
    step: 3,
    gfn: 0x400,
    what: 'zap',
    expected: 'the leaf stays',
  });
});

test('a leaf where none was expected is a failure', () => {
  const spte = spteOf({ gfn: 0x999, type: 'UC', ipat: false });
  const verdict = judgeA(
    change(simulate(SIMPLE, policy('A')), 1, (r) => ({
      ...r,
      events: [
        ...(r.events ?? []),
        { kind: 'change', gfn: 0x999, level: 1, old: 0n, new: spte },
        { kind: 'set', gfn: 0x999, level: 1, spte },
      ],
    })),
  );

  expect(verdict.mismatches[0]).toMatchObject({ step: 2, gfn: 0x999, expected: 'no leaf' });
});

test('a wrong MSR value and a fault that should not be are failures', () => {
  const good = simulate(SIMPLE, policy('A'));

  const value = judgeA(change(good, 5, (r) => ({ ...r, value: 0n })));
  const fault = judgeA(change(good, 3, (r) => ({ ...r, ok: false, vector: 13 })));

  expect(value.mismatches[0]).toMatchObject({ what: 'msr value', expected: '0x804', seen: '0x0' });
  expect(fault.mismatches[0]).toMatchObject({
    what: 'msr write',
    expected: 'accepted',
    seen: 'refused (#GP)',
  });
});

test('nothing observed is an error, not a pass', () => {
  const silent = scenario('test/silent', 'Nothing', { needs: ['ept-leaves'] }, [noncoherent(true)]);

  const verdict = judgeA(
    { scenario: 'test/silent', durationMs: 1, outcome: 'ran', infra: [], steps: [{ step: -1, events: [] }] },
    silent,
  );

  expect(verdict.status).toBe('error');
});

test('a claim of the author that the model does not share is a failure', () => {
  const s = scenario('test/claim', 'A claim', {}, [touch(mib(4), { claims: { A: 'UC' } })]);

  const verdict = judgeA(simulate(s, policy('A')), s);

  expect(verdict.mismatches[0]).toMatchObject({ what: 'model', seen: 'WB+IPAT' });
});

const legacyEnv = (name: string): Environment => ({ ...envOf(name), params: { 'kvm.tdp_mmu': 'N' } });

const runsOnLegacy = (s: Scenario, name: string): boolean => runsUnder(s, policy(name)) && !needsTdpMmu(s);

test.each(['A', 'E'])('with kvm.tdp_mmu=N policy %s is judged by the leaves that are made', (name) => {
  for (const s of catalogue.filter((x) => runsOnLegacy(x, name))) {
    const verdict = judge(s, withoutCounts(simulate(s, policy(name), true)), policy(name), legacyEnv(name));
    expect([s.name, verdict.status, verdict.mismatches]).toEqual([s.name, 'pass', []]);
    expect(verdict.checks.kept).toBe(0);
  }
});

test('with kvm.tdp_mmu=N a zap that did not come shows at the next access', () => {
  const recording = change(withoutCounts(simulate(SIMPLE, policy('A'))), 4, (r) => ({ ...r, events: [] }));

  const verdict = judge(SIMPLE, recording, policy('A'), legacyEnv('A'));

  expect(verdict.mismatches[0]).toMatchObject({ step: 5, gfn: 0x400, seen: 'no leaf was made' });
});

test.each(['A', 'E'])('with kvm.tdp_mmu=N KVM’s own count of leaves proves the zaps of policy %s', (name) => {
  const zaps = { traced: 0, counted: 0 };
  for (const s of catalogue.filter((x) => runsOnLegacy(x, name))) {
    const full = simulate(s, policy(name), true);
    const verdict = judge(s, asLegacy(full), policy(name), legacyEnv(name));
    expect([s.name, verdict.status, verdict.mismatches]).toEqual([s.name, 'pass', []]);
    // The TDP MMU splits the huge leaf that the legacy MMU drops.
    if (s.name === 'dirty/huge') continue;
    zaps.counted += verdict.checks.zaps;
    zaps.traced += judge(s, full, policy(name), envOf(name)).checks.zaps;
  }
  expect(zaps.counted).toBe(zaps.traced);
});

test.each([
  ['a zap that did not come', [1, 0, 0], '2 + 0 + 0'],
  ['a zap too many', [-1, 0, 0], '0 + 0 + 0'],
  ['a huge leaf', [0, 1, 0], '1 + 1 + 0'],
])('with kvm.tdp_mmu=N %s shows in the count, once', (_, off, seen) => {
  const good = asLegacy(simulate(SIMPLE, policy('A')));
  const recording: Ran = {
    ...good,
    steps: good.steps.map((r) =>
      r.step < 3 ? r : { ...r, leaves: (r.leaves ?? []).map((n, i) => n + (off[i] ?? 0)) },
    ),
  };

  const verdict = judge(SIMPLE, recording, policy('A'), legacyEnv('A'));

  expect(verdict.mismatches).toHaveLength(1);
  expect(verdict.mismatches[0]).toMatchObject({
    step: 4,
    what: 'number of leaves',
    expected: '1 + 0 + 0 (4K + 2M + 1G) after 3 zaps',
    seen,
  });
});

test('with kvm.tdp_mmu=N neighbours of a page that faults may be mapped with it, of the right type', () => {
  const set = (gfn: number, type: 'UC' | 'WB') =>
    ({ kind: 'set', gfn, level: 1, spte: spteOf({ gfn, type, ipat: false }) }) as const;
  const with403 = (type: 'UC' | 'WB'): Ran =>
    change(withoutCounts(simulate(SIMPLE, policy('A'))), 1, (r) => ({
      ...r,
      events: [...(r.events ?? []), set(0x403, type)],
    }));

  expect(judge(SIMPLE, with403('UC'), policy('A'), legacyEnv('A')).status).toBe('pass');
  expect(judge(SIMPLE, with403('WB'), policy('A'), legacyEnv('A')).mismatches[0]).toMatchObject({
    gfn: 0x403,
    what: 'leaf',
  });
});

test('a huge leaf that takes another IPAT than that of the first small one is a failure', () => {
  const s5 = catalogue.find(({ name }) => name === 'quirk/s5-huge-recovery') as Scenario;
  const good = simulate(s5, policy('E'));
  const flip = (r: StepRecord): StepRecord => ({
    ...r,
    events: (r.events ?? []).map((e) =>
      e.kind === 'change' && e.level === 2 ? { ...e, new: e.new ^ 0x40n } : e,
    ),
  });

  const step = s5.steps.findIndex((s, i) => i > 0 && s.do === 'memslot');
  const verdict = judge(s5, change(good, step, flip), policy('E'), envOf('E'));

  expect(verdict.mismatches[0]).toMatchObject({
    what: 'huge leaf',
    expected: 'WB IPAT=1',
    seen: 'WB IPAT=0',
  });
});
