import { type GfnRange, gfnOf, PAGE_OFFSET } from '../../../arch/units.js';
import type { AreaKind } from '../../../dumps/types.js';
import type { BackingName, Slot } from '../../../memtype/index.js';
import { safeLine } from '../../../text/safe.js';

/** A stretch of frames that a dump gives a name. */
export interface Area {
  readonly name: string;
  readonly kind: AreaKind;
  readonly start: number;
  readonly end: number;
  /** Of QEMU's view of memory: it is what its kind tells, or device memory, or either; undefined of other sources. */
  readonly use?: 'told' | 'device' | 'unknown' | undefined;
}

/** What a dump's area is as a memslot; those without are emulated, or not told. */
const BACKING: Partial<Record<AreaKind, BackingName>> = {
  ram: 'ram',
  rom: 'ram',
  dax: 'dax',
  bar: 'pci-bar',
};

const MOST_NAME = 40;

/** The whole pages of an area; undefined if there is none. */
export function areaOf(area: { name: string; kind: AreaKind; start: bigint; end: bigint }): Area | undefined {
  const start = gfnOf(area.start + PAGE_OFFSET);
  const end = gfnOf(area.end > 1n << 52n ? 1n << 52n : area.end);
  return start < end
    ? { name: safeLine(area.name).slice(0, MOST_NAME), kind: area.kind, start, end }
    : undefined;
}

/** What of a range others leave. */
export function remains<T extends GfnRange>(range: T, others: readonly GfnRange[]): T[] {
  return others.reduce<T[]>(
    (parts, other) =>
      parts.flatMap((part) => {
        if (other.end <= part.start || other.start >= part.end) return [part];
        return [
          { ...part, end: other.start },
          { ...part, start: other.end },
        ].filter(({ start, end }) => start < end);
      }),
    [range],
  );
}

/** Areas that do not overlap: what was told first counts, and what two dumps tell alike is there once. */
export function distinctAreas(areas: readonly Area[]): Area[] {
  const known: Area[] = [];
  for (const area of areas) known.push(...remains(area, known));
  return known;
}

/** The areas that are memslots, each with a name of its own. */
export function slotsOf(areas: readonly Area[]): Slot[] {
  const names = new Map<string, number>();
  return areas.flatMap(({ name, kind, start, end }) => {
    const backing = BACKING[kind];
    if (backing === undefined) return [];
    const times = (names.get(name) ?? 0) + 1;
    names.set(name, times);
    return [
      {
        name: times === 1 ? name : `${name} (${times})`,
        start,
        end,
        backing: { kind: backing },
        readOnly: kind === 'rom',
        flagged: false,
      },
    ];
  });
}
