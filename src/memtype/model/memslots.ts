import { KVM_MEM_LOG_DIRTY_PAGES } from '../../arch/kvm-flags.js';
import { type GfnRange, type Level, levelWithin } from '../../arch/units.js';
import { overlaps } from '../sdm/ranges.js';
import type { MemslotEvent } from './events.js';

/** A memslot as it stands. */
export type SlotState = Readonly<Required<Omit<MemslotEvent, 'kind'>>>;

/** What KVM_SET_USER_MEMORY_REGION amounts to (`kvm_set_memory_region()`). */
export type SlotChange =
  | { kind: 'refused'; errno: 'EINVAL' | 'EEXIST' }
  | { kind: 'create'; slot: SlotState }
  | { kind: 'delete'; old: SlotState }
  | { kind: 'move'; old: SlotState; slot: SlotState }
  | { kind: 'flags'; old: SlotState; slot: SlotState };

/** Whether writes to the slot are logged. */
export const isLogged = (slot: SlotState): boolean => (slot.flags & KVM_MEM_LOG_DIRTY_PAGES) !== 0;

/** The frames of a slot. */
export function slotRange(slot: SlotState): GfnRange {
  return { start: slot.gfn, end: slot.gfn + slot.npages };
}

/** The largest leaf at a frame that lies within the slot and that the host's memory allows, `memory` if that is not all that it may. */
export function slotLevel(slot: SlotState, gfn: number, memory = slot.hostLevel): Level {
  return isLogged(slot) ? 1 : levelWithin(slotRange(slot), gfn, memory);
}

/** Tell what a call would do to these slots; `allowedFlags` are the KVM_MEM_ bits that the kernel knows. */
export function classifyChange(
  slots: ReadonlyMap<number, SlotState>,
  event: MemslotEvent,
  allowedFlags: number,
): SlotChange {
  const { kind: _, ...fields } = event;
  const slot: SlotState = { hostLevel: 3, sureLevel: 1, memory: event.slot, offset: 0, ...fields };
  const old = slots.get(slot.slot);
  if ((slot.flags & ~allowedFlags) !== 0) return { kind: 'refused', errno: 'EINVAL' };
  if (slot.npages === 0)
    return old === undefined ? { kind: 'refused', errno: 'EINVAL' } : { kind: 'delete', old };
  const rest = [...slots.values()].filter((other) => other.slot !== slot.slot);
  const taken = rest.some((other) => overlaps(slotRange(other), slotRange(slot)));
  if (old === undefined) return taken ? { kind: 'refused', errno: 'EEXIST' } : { kind: 'create', slot };
  // Of the flags, only dirty logging may change while the slot lives.
  const flagsFixed = ((slot.flags ^ old.flags) & ~KVM_MEM_LOG_DIRTY_PAGES) !== 0;
  const fixed = slot.npages !== old.npages || slot.backing !== old.backing || flagsFixed;
  if (fixed) return { kind: 'refused', errno: 'EINVAL' };
  if (slot.gfn === old.gfn)
    return { kind: 'flags', old, slot: { ...slot, hostLevel: old.hostLevel, sureLevel: old.sureLevel } };
  return taken ? { kind: 'refused', errno: 'EEXIST' } : { kind: 'move', old, slot };
}
