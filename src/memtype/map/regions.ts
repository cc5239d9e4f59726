import type { MemType } from '../../arch/memory-types.js';
import type { GfnRange } from '../../arch/units.js';
import { explainArch, type MapEntry, type Situation } from '../explain.js';
import { kvmRanges } from '../policies/guest-mtrr.js';
import type { Policy } from '../policy.js';
import { mtrrCursors } from '../sdm/mtrr.js';
import { type ChangeCursor, type MappedRange, mapRanges } from '../sdm/ranges.js';
import { type HostView, hostMmioOf } from './backing.js';
import { firstTouches } from './sharing.js';
import type { Slot, SlotMap } from './slots.js';

/** What is known of the memory beside the registers. */
export interface Memory {
  /** The memslots; undefined where all of the memory is backed alike. */
  readonly slots: SlotMap | undefined;
  readonly host: HostView;
}

/** A stretch of guest-physical memory of one kind. */
export interface Region {
  /** The memslot; undefined in a hole, or where slots are not told. */
  readonly slot: Slot | undefined;
  /** What each of the vCPUs makes of it, in their order; none in a hole. */
  readonly vcpus: readonly MapEntry[];
  /** Every type that an access may have, whichever vCPU came first. */
  readonly effective: readonly MemType[];
}

/** Where a variable range begins for KVM. It ends where the SDM's last match ends, so that end needs no cursor. */
const hullCursor =
  ({ start }: { start: number }): ChangeCursor =>
  (gfn) =>
    gfn < start ? start : Number.POSITIVE_INFINITY;

/** The same vCPU at a page of this slot. */
export function inSlot(situation: Situation, slot: Slot | undefined, host: HostView): Situation {
  if (slot === undefined) return situation;
  return { ...situation, mmio: hostMmioOf(slot.backing, host).mmio, slotFlag: slot.flagged };
}

/** A page of a slot, or of memory without slots. */
function regionOf(policy: Policy, vcpus: readonly Situation[], gfn: number, slot: Slot | undefined): Region {
  const touches = firstTouches(policy, vcpus, gfn);
  return {
    slot,
    vcpus: touches.map(({ made: { type, ipat, effective } }, i) => ({
      type,
      ipat,
      effective,
      arch: explainArch(vcpus[i] as Situation, gfn).effective,
    })),
    effective: [...new Set(touches.flatMap(({ effective }) => effective))],
  };
}

const sameEntry = (a: MapEntry, b: MapEntry | undefined): boolean =>
  a.type === b?.type && a.ipat === b.ipat && a.effective === b.effective && a.arch === b.arch;

/** Two regions are of one kind. */
export const sameRegion = (a: Region, b: Region): boolean =>
  a.slot === b.slot &&
  a.vcpus.length === b.vcpus.length &&
  a.vcpus.every((entry, i) => sameEntry(entry, b.vcpus[i]));

/**
 * The guest-physical map under a policy.
 *
 * @param vcpus the vCPUs that may touch a page first
 * @param range the frames to map
 * @throws RangeError if it has more than `maxRanges` pieces
 */
export function explainRegions(
  policy: Policy,
  vcpus: readonly Situation[],
  range: GfnRange,
  { slots, host }: Memory = { slots: undefined, host: { nopat: false, before416: false } },
  maxRanges = 100_000,
): MappedRange<Region>[] {
  const cursors = vcpus.flatMap(({ mtrr }) => [...mtrrCursors(mtrr), ...kvmRanges(mtrr).map(hullCursor)]);
  if (slots !== undefined) cursors.push(slots.nextBoundary);
  const regionAt = (gfn: number): Region => {
    const slot = slots?.at(gfn);
    if (slots !== undefined && slot === undefined) return { slot, vcpus: [], effective: [] };
    const there = vcpus.map((vcpu) => inSlot(vcpu, slot, host));
    return regionOf(policy, there, gfn, slot);
  };
  return mapRanges(range.end, regionAt, cursors, { same: sameRegion, start: range.start, maxRanges });
}
