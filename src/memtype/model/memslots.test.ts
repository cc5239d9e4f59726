import { describe, expect, it } from 'vitest';
import { model, slotEvent, touch } from '../../../test/support/model-vm.js';
import { KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY } from '../../arch/kvm-flags.js';
import type { MemslotEvent, ModelEvent } from './events.js';
import { classifyChange, type SlotState, slotLevel, slotRange } from './memslots.js';

const FLAG = 1 << 3;
const event = (fields: Partial<MemslotEvent> = {}): MemslotEvent => ({
  kind: 'memslot',
  slot: 1,
  gfn: 0x100,
  npages: 0x100,
  backing: 'ram',
  flags: 0,
  ...fields,
});
const slot = (fields: Partial<SlotState> = {}): SlotState => {
  const { kind: _, ...rest } = event();
  return { hostLevel: 3, sureLevel: 1, memory: fields.slot ?? 1, offset: 0, ...rest, ...fields };
};
const change = (fields: Partial<MemslotEvent>, slots: SlotState[] = [slot()], allowed = 3): object =>
  classifyChange(new Map(slots.map((s) => [s.slot, s])), event(fields), allowed);

const refused = (errno: string): object => ({ kind: 'refused', errno });

describe('classifyChange', () => {
  it('creates', () => {
    expect(change({ slot: 2, gfn: 0x200 })).toEqual({ kind: 'create', slot: slot({ slot: 2, gfn: 0x200 }) });
    expect(change({ slot: 2, gfn: 0, hostLevel: 1 })).toEqual({
      kind: 'create',
      slot: slot({ slot: 2, gfn: 0, hostLevel: 1 }),
    });
  });

  it('refuses an overlap with another slot', () => {
    expect(change({ slot: 2, gfn: 0x1ff, npages: 1 })).toEqual(refused('EEXIST'));
    expect(change({ slot: 2, gfn: 0, npages: 0x101 })).toEqual(refused('EEXIST'));
    expect(change({ gfn: 0x80 }, [slot(), slot({ slot: 2, gfn: 0 })])).toEqual(refused('EEXIST'));
  });

  it('deletes what is there', () => {
    expect(change({ npages: 0 })).toEqual({ kind: 'delete', old: slot() });
    expect(change({ slot: 2, npages: 0 })).toEqual(refused('EINVAL'));
  });

  it('moves, also over its own old place', () => {
    expect(change({ gfn: 0x180 })).toEqual({ kind: 'move', old: slot(), slot: slot({ gfn: 0x180 }) });
  });

  it('changes dirty logging, and nothing else', () => {
    const flags = KVM_MEM_LOG_DIRTY_PAGES;
    expect(change({ flags, hostLevel: 1 })).toEqual({ kind: 'flags', old: slot(), slot: slot({ flags }) });
    expect(change({ flags: KVM_MEM_READONLY })).toEqual(refused('EINVAL'));
    expect(change({ backing: 'mmio' })).toEqual(refused('EINVAL'));
    expect(change({ npages: 0x101 })).toEqual(refused('EINVAL'));
    expect(change({ flags: FLAG }, [slot()], 3 | FLAG)).toEqual(refused('EINVAL'));
    expect(change({ flags: 0 }, [slot({ flags: FLAG })], 3 | FLAG)).toEqual(refused('EINVAL'));
  });

  it('refuses a flag that the kernel does not know', () => {
    expect(change({ slot: 2, gfn: 0, flags: FLAG })).toEqual(refused('EINVAL'));
    expect(change({ slot: 2, gfn: 0, flags: FLAG }, [], 3 | FLAG)).toMatchObject({ kind: 'create' });
    expect(change({ npages: 0, flags: FLAG })).toEqual(refused('EINVAL'));
  });
});

describe('slotLevel', () => {
  it('lets a leaf lie within the slot only', () => {
    const wide = slot({ gfn: 0x3ff00, npages: 0x40400 });
    expect(slotLevel(wide, 0x3ffff)).toBe(1);
    expect(slotLevel(wide, 0x40000)).toBe(3);
    expect(slotLevel(wide, 0x7ffff)).toBe(3);
    expect(slotLevel(wide, 0x80000)).toBe(2);
    expect(slotLevel(wide, 0x80200)).toBe(1);
    expect(slotLevel(slot({ gfn: 0x200, npages: 0x1ff }), 0x200)).toBe(1);
    expect(slotLevel(slot({ gfn: 0x200, npages: 0x200 }), 0x3ff)).toBe(2);
    expect(slotLevel(slot({ gfn: 0x201, npages: 0x1ff }), 0x300)).toBe(1);
  });

  it('is bounded by the host and by dirty logging', () => {
    const big = { gfn: 0, npages: 0x80000 };
    expect([1, 2, 3].map((level) => slotLevel(slot({ ...big, hostLevel: level as 1 | 2 | 3 }), 0))).toEqual([
      1, 2, 3,
    ]);
    expect(slotLevel(slot({ ...big, flags: KVM_MEM_LOG_DIRTY_PAGES }), 0)).toBe(1);
    expect(slotLevel(slot({ ...big, flags: KVM_MEM_READONLY }), 0)).toBe(3);
  });
});

it('slotRange ends after the last frame', () => {
  expect(slotRange(slot())).toEqual({ start: 0x100, end: 0x200 });
});

describe('what a change of slots lets KVM do besides', () => {
  const LOGGED = slotEvent(0, 0, 0x1000, KVM_MEM_LOG_DIRTY_PAGES);
  // Each row: what was before, what happens, whether every root is dropped, and where leaves may change in place.
  const CASES: [string, ModelEvent[], ModelEvent, boolean, object[]][] = [
    ['a slot is made', [], slotEvent(2, 0x10000, 8), false, []],
    ['a slot is deleted', [], slotEvent(1, 0x8000, 0), true, []],
    ['a slot is moved', [], slotEvent(1, 0x9000, 0x10, 0, 'mmio'), true, []],
    ['logging begins', [], LOGGED, false, [{ start: 0, end: 0x1000 }]],
    ['logging goes on', [LOGGED], LOGGED, false, []],
    ['logging ends', [LOGGED], slotEvent(0, 0, 0x1000), false, []],
    ['a logged page is written again', [LOGGED, touch(5)], touch(5, { access: 'write' }), false, []],
    [
      'a protected page is written',
      [LOGGED, touch(5), { kind: 'get-dirty-log', slot: 0 }],
      touch(5, { access: 'write' }),
      false,
      [{ start: 5, end: 6 }],
    ],
    ['a logged page is read', [LOGGED, touch(5)], touch(5), false, []],
    ['a logged page is written first', [LOGGED], touch(5, { access: 'write' }), false, []],
    ['a page is written', [touch(5)], touch(5, { access: 'write' }), false, []],
  ];

  it.each(CASES)('%s', (_, before, event, fastZap, mayRewrite) => {
    expect(model('A', before).apply(event)).toMatchObject({ fastZap, mayRewrite });
  });
});
