import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inferPolicies, type Observation } from './infer.js';
import type { Seen } from './model/diff.js';
import type { Effect, ModelEvent } from './model/events.js';
import { VmModel } from './model/vm-model.js';
import { ALL_POLICIES, policies } from './policies/index.js';
import type { Policy } from './policy.js';
import type { Level } from './types.js';

// Mutation testing asks for fewer.
const RUNS = Math.min(1_000, Number(process.env.MODEL_RUNS ?? 1_000));

const OPTIONS = { vcpus: 2, maxphyaddr: 40 };
const named = (name: string): Policy => policies.get(name) as Policy;

const seenOf = ({ made, zapped, msr, msrReason, cr0, refused, zapCalls }: Effect): Seen => ({
  made: made.map(({ gfn, level, type, ipat }) => ({ gfn, level, type, ipat })),
  zapped: zapped.map(({ gfn, level }) => ({ gfn, level })),
  ...(msr === undefined ? {} : { msr }),
  ...(msrReason === undefined ? {} : { msrReason }),
  ...(cr0 === undefined ? {} : { cr0 }),
  refused: refused !== undefined,
  zapCalls: zapCalls.length,
});

/** What an observer sees of a kernel with this policy. */
function observe(policy: Policy, events: ModelEvent[]): Observation[] {
  const model = new VmModel(policy, OPTIONS);
  /** Leaves are as large as is asked for, within the bound. */
  const bounded = (event: ModelEvent): ModelEvent => {
    if (event.kind !== 'access' || event.level === undefined) return event;
    const bound = model.expectedLeaf(event.vcpu, event.gfn)?.maxLevel ?? 1;
    return { ...event, level: Math.min(event.level, bound) as Level };
  };
  return events.map((event) => ({ event, seen: seenOf(model.apply(bounded(event))) }));
}

const RAM: ModelEvent = { kind: 'memslot', slot: 0, gfn: 0, npages: 0x1000, backing: 'ram', flags: 0 };
const ADD: ModelEvent = { kind: 'noncoherent', delta: 1 };
const touch = (gfn: number, vcpu = 0): ModelEvent => ({ kind: 'access', vcpu, gfn, access: 'read' });
const wrmsr = (msr: number, value: bigint, vcpu = 0): ModelEvent => ({
  kind: 'wrmsr',
  vcpu,
  msr,
  value,
  by: 'guest',
});
const off = (mask: number): ModelEvent => ({ kind: 'disable-quirks', mask });
const cd: ModelEvent = { kind: 'cr0', vcpu: 0, value: 0xc000_0001n, by: 'guest' };
const flagged: ModelEvent = { kind: 'memslot', slot: 1, gfn: 0x8000, npages: 2, backing: 'ram', flags: 8 };

/** Steps that tell every policy from every other one, as far as they differ. */
const TELLING: ModelEvent[] = [
  RAM,
  wrmsr(0x278, 0n),
  touch(1),
  ADD,
  touch(2),
  wrmsr(0x2ff, 0x801n, 1),
  touch(2),
  touch(3),
  cd,
  touch(4),
  { kind: 'noncoherent', delta: -1 },
  touch(5),
  // A 2M leaf of two MTRR types, while these do not count.
  wrmsr(0x202, 0x80_0006n, 1),
  wrmsr(0x203, 0xff_ffff_f800n, 1),
  { kind: 'access', vcpu: 1, gfn: 0x801, access: 'read', level: 2 },
  off(0x40),
  flagged,
  touch(0x8000),
  off(0x200),
  touch(6),
  { kind: 'noncoherent', delta: 1, via: 'virtio' },
  off(0x100),
  off(0x800),
  { kind: 'dirty-log', slot: 0, on: true },
  touch(0x201),
  { kind: 'dirty-log', slot: 0, on: false },
];

describe('inferPolicies', () => {
  it('finds the policy behind the observations, and only those that cannot be told apart', () => {
    for (const policy of ALL_POLICIES) {
      const { explains, ruledOut } = inferPolicies(observe(policy, TELLING), OPTIONS);
      expect(explains).toContain(policy);
      expect(explains.length + ruledOut.length).toBe(ALL_POLICIES.length);
    }
    const only = (name: string): string[] =>
      inferPolicies(observe(named(name), TELLING), OPTIONS).explains.map(({ name }) => name);
    for (const name of ['A-4.4', 'A', 'A-6.5', 'B', 'C', 'D-6.13', 'E-6.12', 'E', 'A+P2'])
      expect(only(name)).toEqual([name]);
    for (const name of ['E+P5-device', 'E-6.12+P5-device', 'E-6.12+P5-memslot', 'npt', 'npt-A', 'npt-A-4.4'])
      expect(only(name)).toEqual([name]);
  });

  it('tells huge leaves put back in place from those that are zapped', () => {
    const merged = {
      made: [{ gfn: 0x200, level: 2, type: 'WB', ipat: true }],
      zapped: [{ gfn: 0x201, level: 1 }],
    } as const;
    const start = observe(named('E'), [RAM, { kind: 'dirty-log', slot: 0, on: true }, touch(0x201)]);
    const run = [...start, { event: { kind: 'dirty-log', slot: 0, on: false } as ModelEvent, seen: merged }];
    const { explains } = inferPolicies(run, OPTIONS, [
      named('E'),
      named('E-6.12'),
      named('D'),
      named('D-6.13'),
    ]);
    expect(explains.map(({ name }) => name)).toEqual(['E', 'D-6.13']);
  });

  it('gives the first observation that rules a policy out', () => {
    const run = observe(named('6.1'), [RAM, touch(1), ADD, touch(2), touch(3)]);
    const { explains, ruledOut } = inferPolicies(run, OPTIONS, [named('E'), named('A'), named('B')]);
    expect(explains.map(({ name }) => name)).toEqual(['A']);
    expect(ruledOut).toEqual([
      {
        policy: named('E'),
        index: 2,
        mismatch: {
          kind: 'zap-calls',
          text: 'kvm_zap_gfn_range() had to be called 1 times, but was 0 times',
        },
      },
      {
        policy: named('B'),
        index: 2,
        mismatch: {
          kind: 'zap-calls',
          text: 'kvm_zap_gfn_range() had to be called 1 times, but was 0 times',
        },
      },
    ]);
  });

  it('takes the level as it was seen, up to the bound', () => {
    const big: Seen = { made: [{ gfn: 0x200, level: 2, type: 'WB', ipat: true }] };
    const run: Observation[] = [
      { event: RAM, seen: {} },
      { event: touch(0x234), seen: big },
      { event: touch(0x3ff), seen: { made: [] } },
    ];
    expect(inferPolicies(run, OPTIONS, [named('E')]).ruledOut).toEqual([]);
    const huge: Observation[] = [
      run[0] as Observation,
      { event: touch(0x234), seen: { made: [{ ...big.made?.[0], gfn: 0, level: 3 } as never] } },
    ];
    expect(inferPolicies(huge, OPTIONS, [named('E')]).ruledOut).toMatchObject([
      { index: 1, mismatch: { kind: 'level-too-high' } },
    ]);
  });

  it('rules nothing out by what was not observed', () => {
    expect(
      inferPolicies(
        TELLING.map((event) => ({ event, seen: {} })),
        OPTIONS,
      ).ruledOut,
    ).toEqual([]);
  });

  const event = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({ gfn: fc.nat(15), vcpu: fc.nat(1) }).map(({ gfn, vcpu }) => touch(gfn, vcpu)),
    },
    fc
      .record({ vcpu: fc.nat(1), value: fc.constantFrom(0n, 0x800n, 0x806n, 0xc05n, 0x802n) })
      .map(({ vcpu, value }) => wrmsr(0x2ff, value, vcpu)),
    fc.constantFrom(
      ADD,
      { kind: 'noncoherent', delta: -1 } as const,
      off(2),
      off(0x200),
      cd,
      flagged,
      wrmsr(0x277, 6n),
      wrmsr(0x278, 0n),
    ),
    fc.boolean().map((on): ModelEvent => ({ kind: 'dirty-log', slot: 0, on })),
    fc
      .record({ gfn: fc.nat(15), npages: fc.nat(4) })
      .map(({ gfn, npages }): ModelEvent => ({ kind: 'discard', gfn, npages })),
  );

  it('always includes the policy that generated the observations', { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(fc.constantFrom(...ALL_POLICIES), fc.array(event, { maxLength: 40 }), (policy, events) => {
        const { explains } = inferPolicies(observe(policy, [RAM, ...events]), OPTIONS);
        expect(explains).toContain(policy);
      }),
      { numRuns: RUNS },
    );
  });
});
