import type { PatType } from '../../arch/memory-types.js';
import type { GfnRange } from '../../arch/units.js';
import { ERRATA, type ErratumId } from '../errata.js';
import { explainArch, explainPage, type Situation } from '../explain.js';
import { explainRegions, inSlot } from '../map/regions.js';
import { patType } from '../sdm/pat.js';
import type { MappedRange } from '../sdm/ranges.js';
import type { ArchType } from '../types.js';
import { mtrrsCount } from './register-rules.js';
import type { Found, NamedRange, ReviewRule, Setup, Severity } from './types.js';
import { rangesText } from './words.js';

/** No set-up that someone meant has more. */
const MOST_PIECES = 5000;
/** How Linux maps does not depend on the host. */
const ANY_HOST = { nopat: false, before416: false };

/** What one vCPU gets of a stretch of memory. */
interface Piece extends GfnRange {
  /** By its MTRRs, as the SDM has it. */
  readonly mtrr: ArchType;
  readonly effective: string;
  readonly errata: readonly ErratumId[];
}

/** What of a range lies outside another. */
const outside = (range: GfnRange, hole: GfnRange): GfnRange[] =>
  [
    { start: range.start, end: Math.min(range.end, hole.start) },
    { start: Math.max(range.start, hole.end), end: range.end },
  ].filter(({ start, end }) => start < end);

/** What the first vCPU gets of a range, as far as its MTRRs are told. */
const piecesOf = ({ policy, vcpus, untold = [] }: Setup, range: GfnRange): Piece[] => {
  const { situation } = vcpus[0] as { situation: Situation };
  const told = untold.reduce<GfnRange[]>(
    (parts, hole) => parts.flatMap((part) => outside(part, hole)),
    [range],
  );
  return told.flatMap((part) =>
    explainRegions(policy, [situation], part, undefined, MOST_PIECES).map(
      ({ start, end }: MappedRange<unknown>) => {
        const { effective, errata } = explainPage(policy, situation, start);
        return { start, end, mtrr: explainArch(situation, start).mtrr, effective, errata };
      },
    ),
  );
};

const whole = ({ vcpus: [first] }: Setup): GfnRange => ({
  start: 0,
  end: 2 ** ((first?.situation.maxphyaddr ?? 40) - 12),
});

/** The same set-up once it has a device. */
const withDma = (setup: Setup): Setup => ({
  ...setup,
  vcpus: setup.vcpus.map(({ who, situation }) => ({ who, situation: { ...situation, noncoherent: true } })),
});

function errata(setup: Setup): Found[] {
  const hasDma = setup.vcpus.some(({ situation }) => situation.noncoherent);
  const pieces = piecesOf(withDma(setup), whole(setup));
  const ids = [...new Set(pieces.flatMap((piece) => piece.errata))];
  return ids.map((id) => ({
    severity: hasDma ? (id === 'D1' ? 'error' : 'warning') : 'note',
    text: `${hasDma ? '' : 'once there is non-coherent DMA '}erratum ${id} decides the type of ${rangesText(pieces.filter((piece) => piece.errata.includes(id)))}: ${ERRATA.get(id)?.title}`,
  }));
}

function undefinedTypes(setup: Setup): Found[] {
  const pieces = piecesOf(setup, whole(setup)).filter(({ mtrr }) => mtrr === 'undefined');
  return pieces.length === 0
    ? []
    : [{ text: `pairs of types that do not go together overlap at ${rangesText(pieces)}` }];
}

/** The VGA window, which is not RAM to anyone below 1 MiB. */
const LEGACY: GfnRange = { start: 0xa0, end: 0x100 };

/** What becomes of RAM that the MTRRs make something else, though it is WB to the guest. */
function wbDespite(setup: Setup, pieces: readonly Piece[]): string {
  const guest = 'where it chooses types for mappings of its own';
  if (!mtrrsCount(setup)) return `which this kernel does not ask, but the guest does, ${guest}`;
  if (setup.vcpus[0]?.situation.cd) return 'which this kernel asks once CR0.CD is 0';
  const ids = [...new Set(pieces.flatMap((piece) => piece.errata))].join(', ');
  return `which this kernel takes for WB (${ids}), but the guest may not, ${guest}`;
}

function ramTypes(setup: Setup): Found[] {
  return setup.ram.flatMap((range) => {
    const pieces = outside(range, LEGACY).flatMap((part) => piecesOf(setup, part));
    const wrong = pieces.filter(({ mtrr }) => mtrr !== 'WB');
    const types = [...new Set(wrong.map(({ mtrr }) => mtrr))];
    return types.map((type): Found => {
      const those = wrong.filter(({ mtrr }) => mtrr === type);
      const slow = those.filter(({ effective }) => effective !== 'WB');
      const severity: Severity = slow.length > 0 ? 'error' : 'warning';
      const effect =
        slow.length > 0
          ? `and so it is ${[...new Set(slow.map(({ effective }) => effective))].join(' or ')} to the guest`
          : wbDespite(setup, those);
      return {
        severity,
        text: `${range.name}: RAM at ${rangesText(those)} is ${type} by the MTRRs, ${effect}`,
      };
    });
  });
}

/** Who maps persistent memory, and how: that is of one type for all of it. */
function pmemMapping({ linux, vcpus: [first] }: Setup, range: GfnRange): { who: string; type: PatType } {
  const { situation } = first as { situation: Situation };
  // 5.10 takes the wish for WB where the MTRRs are off: it then has no PAT either (memtype_reserve()).
  if (linux === undefined)
    return { who: situation.mtrr.enabled ? 'Linux maps' : 'Linux 6.1 and later map', type: 'UC-' };
  const slot = { name: 'pmem', ...range, backing: { kind: 'dax' }, readOnly: false, flagged: false } as const;
  const mapped = inSlot(situation, slot, { slots: undefined, host: ANY_HOST, linux }, range.start);
  return { who: `Linux ${linux.series.series} maps`, type: patType(mapped.pat, mapped.patEntry) };
}

function pmemTypes(setup: Setup): Found[] {
  return (setup.pmem ?? []).flatMap((range) => {
    const pieces = piecesOf(setup, range).filter(({ mtrr }) => mtrr !== 'WB');
    if (pieces.length === 0) return [];
    const { who, type } = pmemMapping(setup, range);
    const others = [...new Set(pieces.map(({ effective }) => effective))].filter((one) => one !== 'WB');
    if (type === 'WB' && others.length === 0) return [];
    const effect =
      type === 'WB'
        ? ` it WB all the same, but it is ${others.join(' or ')} to the guest`
        : ` all of it ${type}`;
    const types = [...new Set(pieces.map(({ mtrr }) => mtrr))].join(' and ');
    return [
      {
        text: `${range.name}: persistent memory at ${rangesText(pieces)} is ${types} by the MTRRs: ${who}${effect}`,
      },
    ];
  });
}

function mmioTypes(setup: Setup): Found[] {
  const wrong = (range: NamedRange): Piece[] =>
    piecesOf(setup, range).filter(({ mtrr }) => mtrr !== 'UC' && mtrr !== 'WC' && mtrr !== 'undefined');
  return setup.mmio.flatMap((range) => {
    const pieces = wrong(range);
    if (pieces.length === 0) return [];
    const types = [...new Set(pieces.map(({ mtrr }) => mtrr))].join(' and ');
    return [{ text: `${range.name}: device memory at ${rangesText(pieces)} is ${types} by the MTRRs` }];
  });
}

/** Rules that look at the map which the MTRRs make. */
export const MAP_RULES: readonly ReviewRule[] = [
  {
    name: 'kernel-departs',
    severity: 'warning',
    source: 'kvm_mtrr_get_guest_memory_type(), up to 6.10',
    advice:
      'lay the ranges so that kernel and SDM agree: without overlaps, or UC only over ranges that begin where it does (check --solve)',
    find: errata,
  },
  {
    name: 'undefined-overlap',
    severity: 'warning',
    source: 'SDM, "MTRR Precedences"',
    advice: 'only UC may overlap others, and WT may overlap WB',
    find: undefinedTypes,
  },
  {
    name: 'ram-type',
    severity: 'error',
    source: 'SDM, "Memory Cache Control"; vmx_get_mt_mask()',
    advice: 'cover all RAM with WB, by the default type or by pairs (check --solve)',
    find: ramTypes,
  },
  {
    name: 'pmem-type',
    severity: 'warning',
    source: 'memtype_reserve() and pat_x_mtrr_type() of arch/x86/mm/pat/memtype.c, 5.10 to 7.3',
    advice:
      'cover persistent memory with WB, as RAM (check --solve); explain --linux tells what becomes of it',
    find: pmemTypes,
  },
  {
    name: 'mmio-type',
    severity: 'warning',
    source: 'SDM, "Memory Cache Control"',
    advice:
      'cover device memory with UC: a guest without paging, or one that maps it as WB, would cache it. KVM itself maps host MMIO as UC',
    find: mmioTypes,
  },
];
