import { type GfnRange, gpaOf } from '../../arch/units.js';
import type { Backing } from './backing.js';

/** A memslot, or any stretch of guest-physical memory that has a name. */
export interface Slot extends GfnRange {
  readonly name: string;
  readonly backing: Backing;
  readonly readOnly: boolean;
  /** It has the flag of proposal P5. */
  readonly flagged: boolean;
}

/** Memslots that cannot be: two of one name, or over one frame. */
class SlotError extends Error {
  override readonly name = 'SlotError';
  readonly code = 'MEMTYPE_SLOT';
}

/** The slots by address, each frame in one at most. */
export class SlotMap {
  readonly slots: readonly Slot[];

  /** @throws SlotError if two overlap, or bear one name */
  constructor(slots: readonly Slot[]) {
    this.slots = [...slots].sort((a, b) => a.start - b.start);
    this.slots.forEach((slot, i) => {
      const next = this.slots[i + 1];
      if (next !== undefined && next.start < slot.end)
        throw new SlotError(
          `slots ${slot.name} and ${next.name} overlap at 0x${gpaOf(next.start).toString(16)}: KVM answers EEXIST`,
        );
      if (this.slots.some((other) => other !== slot && other.name === slot.name))
        throw new SlotError(`two slots are called ${slot.name}`);
    });
  }

  /** The slot that has a frame. */
  at(gfn: number): Slot | undefined {
    return this.slots.find(({ start, end }) => gfn >= start && gfn < end);
  }

  /** The first frame above `gfn` where a slot starts or ends. */
  readonly nextBoundary = (gfn: number): number => {
    const edges = this.slots.flatMap(({ start, end }) => [start, end]).filter((edge) => edge > gfn);
    return Math.min(Number.POSITIVE_INFINITY, ...edges);
  };
}
