import { expect, it } from 'vitest';
import type { Level } from '../../arch/units.js';
import type { Effect, ModelEvent } from '../model/events.js';
import { VmModel } from '../model/vm-model.js';
import type { Policy } from '../policy.js';
import { ALL_POLICIES } from './index.js';

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
  { kind: 'noncoherent', delta: 1 },
  // CR0.CD once more, with its quirk disabled.
  off(2),
  { ...cd, value: 0x8000_0001n },
  cd,
  { kind: 'noncoherent', delta: 1, via: 'virtio' },
  off(0x80),
  off(0x100),
  off(0x800),
  { kind: 'dirty-log', slot: 0, on: true },
  touch(0x201),
  { kind: 'dirty-log', slot: 0, on: false },
  { kind: 'pre-fault', vcpu: 0, gfn: 0x201, npages: 1 },
  // Of a log that starts full, a word that ends with the first page of a huge leaf, and one that begins with it.
  { kind: 'manual-protect', initiallySet: true },
  ...[63, 0].flatMap((before, i): ModelEvent[] => {
    const [slot, gfn] = [2 + i, 0x1_0000 * (i + 1)];
    return [
      { kind: 'memslot', slot, gfn: gfn - before, npages: before + 512, backing: 'ram', flags: 0 },
      { kind: 'access', vcpu: 0, gfn, access: 'write', level: 2 },
      { kind: 'dirty-log', slot, on: true },
      { kind: 'clear-dirty-log', slot, first: 0, npages: 64 },
      { kind: 'access', vcpu: 0, gfn, access: 'write' },
    ];
  }),
];

/** What can be seen of an effect; what the host's memory decides is no part of it. */
const observable = ({
  made,
  remade,
  split,
  zapped,
  msr,
  msrReason,
  cr0,
  refused,
  zapCalls,
}: Effect): unknown[] => [
  made.map(({ gfn, level, type, ipat }) => [gfn, level, type, ipat]),
  zapped.map(({ gfn, level }) => [gfn, level]),
  remade.map(({ gfn, level }) => [gfn, level]),
  split.map(({ gfn, level }) => [gfn, level]),
  [msr, msrReason, cr0, refused !== undefined, zapCalls.length],
];

/** All that is seen of a kernel with this policy, whose leaves are as large as is asked for, within the bound. */
function seenOf(policy: Policy, eagerPageSplit: boolean): string {
  const model = new VmModel(policy, { vcpus: 2, maxphyaddr: 40, eagerPageSplit });
  const bounded = (event: ModelEvent): ModelEvent => {
    if (event.kind !== 'access' || event.level === undefined) return event;
    const bound = model.expectedLeaf(event.vcpu, event.gfn)?.maxLevel ?? 1;
    return { ...event, level: Math.min(event.level, bound) as Level };
  };
  return JSON.stringify(TELLING.map((event) => observable(model.apply(bounded(event)))));
}

it('each policy is told from every other one by what can be seen of it', () => {
  const groups = new Map<string, string[]>();
  for (const policy of ALL_POLICIES) {
    const seen = [true, false].map((eager) => seenOf(policy, eager)).join();
    groups.set(seen, [...(groups.get(seen) ?? []), policy.name]);
  }

  expect([...groups.values()].filter(({ length }) => length > 1)).toEqual([]);
});
