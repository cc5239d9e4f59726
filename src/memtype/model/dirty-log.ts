import { KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY } from '../../arch/kvm-flags.js';
import { levelBase, pagesOf } from '../../arch/units.js';
import { overlaps } from '../sdm/ranges.js';
import type { Effect, ModelEvent } from './events.js';
import { split } from './faults.js';
import { type Leaf, leafRange } from './leaves.js';
import { isLogged, type SlotState, slotLevel, slotRange } from './memslots.js';
import { PageSet } from './page-set.js';
import { agrees, type VmState } from './vm-state.js';

type EventOf<K extends ModelEvent['kind']> = Extract<ModelEvent, { kind: K }>;

/** Pages whose bits one word of a bitmap holds: KVM goes by words. */
const WORD = 64;

/** kvm_mmu_try_split_huge_pages() does nothing for the legacy MMU. */
const splitsEagerly = ({ options }: VmState): boolean => options.eagerPageSplit && !options.legacyMmu;

/** Have the next write noticed: the processor logs it where it can, else the leaf may not be written. */
function arm(state: VmState, leaf: Leaf): void {
  const byProcessor = state.options.pml && leaf.level === 1;
  state.leaves.put(byProcessor ? { ...leaf, clean: true } : { ...leaf, writable: false });
}

/** The bitmap of a slot that comes, or whose flags change (`kvm_prepare_memory_region()`). */
export function applyBitmap(state: VmState, slot: SlotState): void {
  if (!isLogged(slot)) state.dirty.delete(slot.slot);
  else if (!state.dirty.has(slot.slot)) {
    const all = state.manualProtect === 'all-set' ? slot.npages : 0;
    state.dirty.set(slot.slot, new PageSet(all));
  }
}

/** The huge leaves that may replace smaller ones: each copies the lowest of those in its range. */
function recoverable(state: VmState, slot: SlotState): Leaf[] {
  const leaves = state.leaves.within(slotRange(slot));
  return ([2, 3] as const).flatMap((level) => {
    const bases = new Set(
      leaves.filter((leaf) => leaf.level < level).map((leaf) => levelBase(leaf.gfn, level)),
    );
    return [...bases]
      .filter((gfn) => slotLevel(slot, gfn) >= level)
      .map((gfn): Leaf => ({ ...(leaves.find((leaf) => leaf.gfn >= gfn) as Leaf), gfn, level }));
  });
}

/** Protect every leaf, once huge ones are split (`kvm_mmu_slot_apply_flags()`). */
function startDirtyLog(state: VmState, slot: SlotState, effect: Effect): void {
  effect.mayRewrite.push(slotRange(slot));
  if (state.manualProtect === 'all-set') return;
  if (splitsEagerly(state)) {
    for (const leaf of state.leaves.within(slotRange(slot))) split(state, leaf, effect, slotRange(slot));
  }
  for (const leaf of state.leaves.within(slotRange(slot))) arm(state, leaf);
}

function endDirtyLog(state: VmState, slot: SlotState, effect: Effect): void {
  if (state.policy.dirtyLogOff === 'zap') {
    effect.mayZap.push(slotRange(slot));
    return;
  }
  effect.mayMerge.push(...recoverable(state, slot));
  const mixed = effect.mayMerge.some((huge) =>
    state.leaves.within(leafRange(huge)).some((leaf) => !agrees(leaf, huge)),
  );
  const id = state.policy.stale['dirty-log-off'];
  if (mixed && id !== undefined) effect.notes.push(id);
}

/** KVM_SET_USER_MEMORY_REGION that changes the flags of a slot. */
export function changeFlags(state: VmState, old: SlotState, slot: SlotState, effect: Effect): void {
  state.slots.set(slot.slot, slot);
  applyBitmap(state, slot);
  // What cannot be written need not be logged: KVM leaves such a slot's leaves alone.
  if ((slot.flags & KVM_MEM_READONLY) !== 0) return;
  if (!isLogged(old) && isLogged(slot)) startDirtyLog(state, slot, effect);
  if (isLogged(old) && !isLogged(slot)) endDirtyLog(state, slot, effect);
}

/** KVM_MEM_LOG_DIRTY_PAGES set or cleared on a slot. */
export function applyDirtyLog(state: VmState, event: EventOf<'dirty-log'>, effect: Effect): void {
  const old = state.slots.get(event.slot);
  if (old === undefined) {
    effect.refused = 'EINVAL';
    return;
  }
  const flags = event.on ? old.flags | KVM_MEM_LOG_DIRTY_PAGES : old.flags & ~KVM_MEM_LOG_DIRTY_PAGES;
  changeFlags(state, old, { ...old, flags }, effect);
}

/** Protect these pages again, where small leaves map them (`kvm_arch_mmu_enable_log_dirty_pt_masked()`). */
function armPages(state: VmState, slot: SlotState, pages: Iterable<number>, effect: Effect): void {
  for (const page of pages) {
    const leaf = state.leaves.find(slot.gfn + page);
    if (leaf?.level !== 1) continue;
    effect.mayRewrite.push(leafRange(leaf));
    arm(state, leaf);
  }
}

/** KVM_GET_DIRTY_LOG: the pages written since the last time, each protected again. */
export function applyGetDirtyLog(state: VmState, event: EventOf<'get-dirty-log'>, effect: Effect): void {
  const [slot, dirty] = [state.slots.get(event.slot), state.dirty.get(event.slot)];
  if (slot === undefined || dirty === undefined) {
    effect.refused = 'ENOENT';
    return;
  }
  effect.dirty = [...dirty];
  if (state.manualProtect !== 'off') return;
  dirty.clear();
  armPages(state, slot, effect.dirty, effect);
}

/** The end of the huge page that a frame is in, as ALIGN() has it: of its first frame that frame itself. */
const alignUp = (gfn: number): number => Math.ceil(gfn / pagesOf(2)) * pagesOf(2);

/** Where a log starts full huge leaves are not protected: they are split or protected when pages of them are cleared. */
function armHuge(state: VmState, first: number, last: number, effect: Effect): void {
  if (splitsEagerly(state)) {
    const range = { start: first, end: state.policy.hugeLeaves.splitToEnd ? last + 1 : last };
    // An empty range splits the leaf that holds the page, but for one that begins there (for_each_tdp_pte_min_level()).
    for (const leaf of state.leaves.within({ start: first, end: last + 1 }))
      if (overlaps(leafRange(leaf), range)) split(state, leaf, effect, range);
  }
  const ends = alignUp(first) === alignUp(last) ? [first] : [first, last];
  for (const leaf of ends.map((gfn) => state.leaves.find(gfn))) {
    if (leaf === undefined || leaf.level === 1) continue;
    effect.mayRewrite.push(leafRange(leaf));
    arm(state, leaf);
  }
}

/** KVM_CLEAR_DIRTY_LOG of a range of pages, all of them (`kvm_clear_dirty_log_protect()`). */
export function applyClearDirtyLog(state: VmState, event: EventOf<'clear-dirty-log'>, effect: Effect): void {
  const [slot, dirty] = [state.slots.get(event.slot), state.dirty.get(event.slot)];
  const { first, npages } = event;
  if (slot === undefined || dirty === undefined) {
    effect.refused = first % WORD === 0 ? 'ENOENT' : 'EINVAL';
    return;
  }
  const left = slot.npages - first;
  if (first % WORD !== 0 || npages > left || (npages < left && npages % WORD !== 0)) {
    effect.refused = 'EINVAL';
    return;
  }
  for (let at = first; at < first + npages; at += WORD) {
    const word = Array.from({ length: Math.min(WORD, slot.npages - at) }, (_, i) => at + i).filter((page) =>
      dirty.delete(page),
    );
    if (word.length === 0) continue;
    const [from, to] = [word[0] as number, word.at(-1) as number];
    if (state.manualProtect === 'all-set') armHuge(state, slot.gfn + from, slot.gfn + to, effect);
    armPages(state, slot, word, effect);
  }
}

/** KVM_ENABLE_CAP of KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2. */
export function applyManualProtect(state: VmState, event: EventOf<'manual-protect'>): void {
  state.manualProtect = event.initiallySet ? 'all-set' : 'on';
}
