import { type BackingName, linuxSeries, type Memory, type Slot } from '../../memtype/index.js';
import { UsageError } from '../errors.js';
import type { GuestFacts } from './state.js';

const GIB4_FRAMES = 2 ** 20;
const RAM: readonly BackingName[] = ['ram', 'hugetlb', 'guest-memfd'];

/** Where RAM that begins at 0 ends: RAM behind a device lies apart. */
function lowRamEnd(slots: readonly Slot[]): number {
  const ram = slots.filter(({ backing }) => RAM.includes(backing.kind)).sort((a, b) => a.start - b.start);
  const end = ram.reduce((at, slot) => (slot.start <= at ? Math.max(at, slot.end) : at), 0);
  return Math.min(GIB4_FRAMES, end);
}

/** The guest's Linux. */
export function linuxOf(
  version: string,
  { slots, mapping, mappedBefore, vmType }: GuestFacts,
): Memory['linux'] {
  const series = linuxSeries(version);
  if (vmType !== undefined && slots === undefined)
    throw new UsageError(
      '--linux and --vm-type: Linux asks where RAM below 4 GiB ends, so RAM must be told by --slot',
    );
  if (vmType !== undefined && series.patNeedsMtrrs)
    throw new UsageError(
      `what Linux ${series.series} does as such a guest is not known here: 6.12 and later are`,
    );
  return { series, mapping, earlier: mappedBefore, lowRamEnd: lowRamEnd(slots ?? []) };
}
