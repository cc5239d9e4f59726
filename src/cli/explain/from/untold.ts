import { DEF_TYPE_E, DEF_TYPE_FE, FIXED_MSRS, MSR } from '../../../arch/msrs.js';
import type { GfnRange } from '../../../arch/units.js';
import { fixedMsrFrames, rangesText } from '../../../memtype/index.js';
import type { GuestFacts, VcpuFacts } from '../state.js';
import { vcpuFacts } from '../vcpus.js';

const FIRST_MIB: GfnRange = { start: 0, end: 256 };

/** What is known of the fixed ranges of one vCPU: `off`, `maybe` on, or the frames whose type is not told. */
type Fixed = 'off' | 'maybe' | readonly GfnRange[];

function fixedOf({ mtrr: { def, fixed = [] } = {}, msrs = [] }: VcpuFacts): Fixed {
  const written = msrs.findLast(({ msr }) => msr === MSR.DEF_TYPE)?.value;
  const isOn = written === undefined ? (def?.enabled ?? false) : (written & DEF_TYPE_E) !== 0n;
  if (!isOn) return 'off';
  if (written === undefined && def?.isFixedAssumed) return 'maybe';
  const hasFixed = written === undefined ? (def?.fixedEnabled ?? false) : (written & DEF_TYPE_FE) !== 0n;
  // Spans fill all eleven MSRs.
  if (!hasFixed || fixed.length > 0) return 'off';
  const told = new Set(msrs.map(({ msr }) => msr));
  return FIXED_MSRS.flatMap((msr, i) => (told.has(msr) ? [] : [fixedMsrFrames(i)]));
}

/** The fixed ranges of each vCPU, where files tell of MTRRs; what they leave out is then not known. */
function allFixed(facts: GuestFacts): Fixed[] {
  if (!facts.hasReadMtrrs) return [];
  return vcpuFacts(facts).map(fixedOf);
}

/** The frames below 1 MiB whose MTRR type is not told. */
export const untoldFrames = (facts: GuestFacts): GfnRange[] =>
  allFixed(facts).flatMap((fixed) => {
    if (fixed === 'maybe') return [FIRST_MIB];
    return fixed === 'off' ? [] : fixed;
  });

/** What is taken for granted in their stead. */
export function untoldNotes(facts: GuestFacts): string[] {
  const all = allFixed(facts);
  const untold = all.flatMap((fixed) => (typeof fixed === 'string' ? [] : fixed));
  const byStart = new Map(untold.map((range) => [range.start, range]));
  const frames = [...byStart.values()].sort((a, b) => a.start - b.start);
  return [
    ...(all.includes('maybe')
      ? [
          'whether fixed ranges are on is not told: they are taken for off, and check looks at nothing below 1 MiB; --mtrr def=…,fe=… tells it',
        ]
      : []),
    ...(frames.length > 0
      ? [
          `fixed ranges ${rangesText(frames)} are not told: they are taken for UC, and check does not look there; --msr tells them`,
        ]
      : []),
  ];
}
