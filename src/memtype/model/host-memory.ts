import type { GfnRange } from '../../arch/units.js';
import { zapFrames } from './changes.js';
import type { Effect, HostMemoryEvent } from './events.js';
import type { SlotState } from './memslots.js';
import type { VmState } from './vm-state.js';

/** The frames of a slot that pages of a piece of memory are behind; undefined if none is. */
function framesOf(
  slot: SlotState,
  { memory, first, npages }: Pick<HostMemoryEvent, 'memory' | 'first' | 'npages'>,
): GfnRange | undefined {
  if (slot.memory !== memory) return undefined;
  const from = Math.max(first - slot.offset, 0);
  const to = Math.min(first + npages - slot.offset, slot.npages);
  return from < to ? { start: slot.gfn + from, end: slot.gfn + to } : undefined;
}

const WHY: Readonly<Record<HostMemoryEvent['op'], string>> = {
  discard: 'the host discarded the memory',
  unmap: 'the host unmapped the memory',
  protect: 'the host lets the memory only be read',
  unprotect: 'the host lets the memory be written again',
};

/**
 * The host changes how a part of its memory is mapped (munmap, MADV_DONTNEED, mprotect): an MMU notifier zaps the leaves of every slot
 * over it, whatever the change is (`kvm_mmu_notifier_invalidate_range_start()`, 6.1 to 7.3).
 */
export function applyHostMemory(state: VmState, event: HostMemoryEvent, effect: Effect): void {
  effect.why.push({ text: WHY[event.op], source: 'kvm_unmap_gfn_range()' });
  state.hostPages.change(event);
  for (const slot of state.slots.values()) {
    const frames = framesOf(slot, event);
    if (frames !== undefined) zapFrames(state, frames, effect);
  }
}
