import { GIB4_FRAMES } from '../../arch/units.js';
import { type BackingName, linuxSeries, type Memory } from '../../memtype/index.js';
import { UsageError } from '../errors.js';
import { lowRamEnd } from './low-ram.js';
import type { GuestFacts } from './state.js';

const RAM: readonly BackingName[] = ['ram', 'hugetlb', 'guest-memfd'];

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
  const ram = (slots ?? []).filter(({ backing }) => RAM.includes(backing.kind));
  const end = Math.min(GIB4_FRAMES, lowRamEnd(ram));
  return { series, mapping, earlier: mappedBefore, lowRamEnd: end };
}
