import type { MemType } from '../../arch/memory-types.js';
import type { GfnRange } from '../../arch/units.js';
import { explainArch, type MapEntry, type Situation } from '../explain.js';
import {
  type LinuxMapped,
  type LinuxMapping,
  type LinuxSeries,
  linuxMapping,
  usualMapping,
} from '../guest-os/linux.js';
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
  /** Linux as the guest; undefined where the PAT entry is told. */
  readonly linux?: LinuxGuest | undefined;
}

/** A guest's Linux, and how it maps memory: as is usual for the kind of slot, if it is not told. */
export interface LinuxGuest {
  readonly series: LinuxSeries;
  readonly mapping: LinuxMapping | undefined;
  /** How the same memory is mapped already. */
  readonly earlier?: LinuxMapping | undefined;
  /** Where RAM below 4 GiB ends. */
  readonly lowRamEnd: number;
}

const NOTHING_KNOWN: Memory = { slots: undefined, host: { nopat: false, before416: false } };

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

/** How Linux maps a page, if the guest is one. */
export function linuxAt(
  situation: Situation,
  slot: Slot | undefined,
  { linux }: Memory,
  gfn: number,
): LinuxMapped | undefined {
  if (linux === undefined) return undefined;
  const mapping = linux.mapping ?? usualMapping(slot?.backing.kind);
  const { bootMtrr, mtrr, vmType } = situation;
  const forced = vmType === undefined ? undefined : linux.lowRamEnd;
  const before = { ...situation, mtrr: bootMtrr ?? mtrr, forced };
  const range = slot ?? { start: gfn, end: gfn + 1 };
  return linuxMapping(linux.series, mapping, before, range, mapping === 'ram' ? undefined : linux.earlier);
}

/** The same vCPU at a page of this slot. */
export function inSlot(situation: Situation, slot: Slot | undefined, memory: Memory, gfn: number): Situation {
  const mapped = linuxAt(situation, slot, memory, gfn);
  const there =
    mapped === undefined ? situation : { ...situation, pat: mapped.pat, patEntry: mapped.patEntry };
  if (slot === undefined) return there;
  return {
    ...there,
    slot,
    mmio: hostMmioOf(slot.backing, memory.host).mmio,
    slotFlag: slot.flagged,
    isPrivate: slot.backing.kind === 'guest-memfd',
  };
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
  memory: Memory = NOTHING_KNOWN,
  maxRanges = 100_000,
): MappedRange<Region>[] {
  const { slots } = memory;
  const cursors = vcpus.flatMap(({ mtrr }) => [...mtrrCursors(mtrr), ...kvmRanges(mtrr).map(hullCursor)]);
  if (slots !== undefined) cursors.push(slots.nextBoundary);
  const regionAt = (gfn: number): Region => {
    const slot = slots?.at(gfn);
    if (slots !== undefined && slot === undefined) return { slot, vcpus: [], effective: [] };
    const there = vcpus.map((vcpu) => inSlot(vcpu, slot, memory, gfn));
    return regionOf(policy, there, gfn, slot);
  };
  return mapRanges(range.end, regionAt, cursors, { same: sameRegion, start: range.start, maxRanges });
}
