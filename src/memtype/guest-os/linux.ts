import { byteOf, decodePatType, type PatType } from '../../arch/memory-types.js';
import { PAT_RESET } from '../../arch/msrs.js';
import { type GfnRange, GIB4_FRAMES } from '../../arch/units.js';
import type { BackingName } from '../map/backing.js';
import { readVersion } from '../policies/versions.js';
import { archMtrrType, type MtrrState, mtrrCursors } from '../sdm/mtrr.js';
import { mapRanges } from '../sdm/ranges.js';
import type { Rule } from '../types.js';

/** What one series of Linux does as a guest. */
export interface LinuxSeries {
  readonly series: string;
  /** Without MTRRs it does not write the PAT ("MTRRs disabled, skipping PAT initialization too."). */
  readonly patNeedsMtrrs: boolean;
  /** It keeps track of types by the PAT also where it did not write it (`init_cache_modes()` under a hypervisor). */
  readonly tracksUnwritten: boolean;
}

/** The series whose sources were read; others differ in ways that were not looked at (6.2 took WB where MTRRs are off). */
const SERIES: readonly LinuxSeries[] = [
  { series: '5.10', patNeedsMtrrs: true, tracksUnwritten: false },
  { series: '6.1', patNeedsMtrrs: true, tracksUnwritten: true },
  ...['6.12', '7.2', '7.3'].map((series) => ({ series, patNeedsMtrrs: false, tracksUnwritten: false })),
];

const IOREMAP = 'arch/x86/mm/ioremap.c';
const MEMREMAP = 'memremap() of kernel/iomem.c';
const PGPROT = 'arch/x86/include/asm/pgtable.h and mm/pat/memtype.c';

/** How Linux maps memory: the type that is asked for, and which function does it. */
const MAPPINGS = {
  ram: { wants: 'WB', what: 'RAM in the direct map', source: 'init_mem_mapping() of arch/x86/mm/init.c' },
  pmem: { wants: 'WB', what: 'persistent memory', source: 'devm_memremap_pages() of mm/memremap.c' },
  'memremap-wb': { wants: 'WB', what: 'memremap(MEMREMAP_WB), which is ioremap_cache(),', source: MEMREMAP },
  'memremap-wt': { wants: 'WT', what: 'memremap(MEMREMAP_WT), which is ioremap_wt(),', source: MEMREMAP },
  'memremap-wc': { wants: 'WC', what: 'memremap(MEMREMAP_WC), which is ioremap_wc(),', source: MEMREMAP },
  ioremap: { wants: 'UC-', what: 'ioremap()', source: IOREMAP },
  'ioremap-uc': { wants: 'UC', what: 'ioremap_uc()', source: IOREMAP },
  'ioremap-wc': { wants: 'WC', what: 'ioremap_wc()', source: IOREMAP },
  'ioremap-wt': { wants: 'WT', what: 'ioremap_wt()', source: IOREMAP },
  'ioremap-cache': { wants: 'WB', what: 'ioremap_cache()', source: IOREMAP },
  'pgprot-noncached': { wants: 'UC-', what: 'pgprot_noncached() for user space', source: PGPROT },
  'pgprot-writecombine': { wants: 'WC', what: 'pgprot_writecombine() for user space', source: PGPROT },
} as const satisfies Record<string, { wants: PatType; what: string; source: string }>;

/** A way in which Linux maps memory. */
export type LinuxMapping = keyof typeof MAPPINGS;
/** All ways in which Linux maps memory. */
export const LINUX_MAPPINGS = Object.keys(MAPPINGS) as readonly LinuxMapping[];

/** How Linux maps what is behind a slot, where nothing else is told. */
export const usualMapping = (kind: BackingName | undefined): LinuxMapping => {
  if (kind === 'dax') return 'pmem';
  return kind === 'pci-bar' || kind === 'dev-mem' || kind === 'isa-hole' || kind === 'reserved'
    ? 'ioremap'
    : 'ram';
};

/** A version of Linux whose part is not known, or a mapping that it refuses. */
export class GuestOsError extends Error {
  override readonly name = 'GuestOsError';
  readonly code = 'MEMTYPE_GUEST_OS';
}

/**
 * What Linux of a version does as a guest.
 *
 * @throws GuestOsError if its sources were not read
 */
export function linuxSeries(version: string): LinuxSeries {
  const read = readVersion(version);
  const known = SERIES.find(({ series }) => series === `${read?.major}.${read?.minor}`);
  if (known !== undefined) return known;
  const names = SERIES.map(({ series }) => series).join(', ');
  throw new GuestOsError(
    `what Linux '${version}' makes of MTRRs and PAT is not known here: there are ${names}`,
  );
}

/** The registers of the guest before Linux starts: those of the CPU that it boots on. */
export interface BeforeLinux {
  readonly mtrr: MtrrState;
  readonly pat: bigint;
  readonly mtrrCpuid: boolean;
  /**
   * Of a TDX or SNP guest, which does not ask for the MTRRs: the frame where RAM below 4 GiB ends. From there to 4 GiB is UC to it, all else WB.
   */
  readonly forced?: number | undefined;
}

/** The PAT, and the entry of it that Linux puts into its page tables. */
export interface LinuxMapped {
  readonly pat: bigint;
  readonly patEntry: number;
  readonly why: readonly Rule[];
}

/** WB WC UC- UC WB WP UC- WT: what Linux writes, but for Pentium 4 and older (`pat_init()`, later `pat_bp_init()`). */
const LINUX_PAT = 0x0407_0506_0007_0106n;
/** Entry of types that the PAT has not: PCD alone, which is UC- (`__cachemode2pte_tbl[]`). */
const FALLBACK = 2;
const FORCED = 'kvm_init_platform() and guest_force_mtrr_state(), read in 6.12 to 7.3';
/** Not tracked, always WB (`is_ISA_range()`). */
const ISA: GfnRange = { start: 0xa0, end: 0x100 };

function writesPat({ patNeedsMtrrs }: LinuxSeries, { mtrr, pat, mtrrCpuid }: BeforeLinux): boolean {
  return pat !== 0n && (!patNeedsMtrrs || (mtrrCpuid && mtrr.enabled));
}

function patRule(series: LinuxSeries, before: BeforeLinux): Rule {
  const name = `Linux ${series.series}`;
  if (before.pat === 0n)
    return {
      text: `${name} takes a PAT of 0 for none`,
      source: 'pat_bp_init() of arch/x86/mm/pat/memtype.c',
    };
  if (writesPat(series, before))
    return { text: `${name} writes the PAT: WB WC UC- UC WB WP UC- WT`, source: 'arch/x86/mm/pat/memtype.c' };
  return {
    text: `${name} does not write the PAT, as the MTRRs are off: it stays 0x${before.pat.toString(16)}`,
    source: 'mtrr_bp_init() of arch/x86/kernel/cpu/mtrr/mtrr.c, read in 5.10 and 6.1',
  };
}

/** All of a range is WB by the MTRRs that Linux read. */
function isWb({ mtrr, mtrrCpuid, forced }: BeforeLinux, range: GfnRange): boolean {
  if (forced !== undefined) return range.end <= forced || range.start >= GIB4_FRAMES;
  if (!mtrrCpuid || !mtrr.enabled) return false;
  const typeAt = (gfn: number) => archMtrrType(mtrr, gfn);
  return mapRanges(range.end, typeAt, mtrrCursors(mtrr), { start: range.start }).every(
    ({ value }) => value === 'WB',
  );
}

/** The type that a mapping gets (`memtype_reserve()`), where types are tracked. */
function reserved(wants: PatType, before: BeforeLinux, range: GfnRange, why: Rule[]): PatType {
  const source = 'memtype_reserve() and pat_x_mtrr_type(), 5.10 to 7.3';
  if (range.start >= ISA.start && range.end <= ISA.end) {
    why.push({ text: '0xa0000 to 0xfffff is not tracked: WB', source });
    return 'WB';
  }
  if (wants !== 'WB' || isWb(before, range)) return wants;
  if (before.forced !== undefined) {
    const text = 'it lies between RAM and 4 GiB, which such a guest takes for UC: a wish for WB becomes UC-';
    why.push({ text, source: FORCED });
    return 'UC-';
  }
  const off =
    !before.mtrrCpuid || !before.mtrr.enabled ? 'the MTRRs are off' : 'the MTRRs do not make all of it WB';
  why.push({ text: `${off}: a wish for WB becomes UC-`, source });
  return 'UC-';
}

/** What may not become of a wish (`is_new_memtype_allowed()`, 5.10 to 7.3). */
const NOT_FOR: Partial<Record<PatType, readonly PatType[]>> = { 'UC-': ['WB'], WC: ['WB'], WT: ['WB', 'WC'] };

/** The type that a mapping gets where another one is there: that of the other (`memtype_check_conflict()`). */
function shared(wants: PatType, type: PatType, earlier: PatType, why: Rule[]): PatType {
  if (earlier === type) return type;
  const text = `it is mapped ${earlier} already, so all of its mappings are`;
  if (NOT_FOR[wants]?.includes(earlier))
    throw new GuestOsError(`Linux refuses the mapping: ${text}, and a wish for ${wants} takes no ${earlier}`);
  why.push({ text, source: 'memtype_check_conflict() of arch/x86/mm/pat/memtype_interval.c, 5.10 to 7.3' });
  return earlier;
}

/** The lowest entry that has a type. */
function entryOf(type: PatType, pat: bigint): number {
  const table = pat === 0n ? PAT_RESET : pat;
  const entry = [0, 1, 2, 3, 4, 5, 6, 7].find((i) => decodePatType(byteOf(table, i)) === type);
  return entry ?? (type === 'UC' ? 3 : FALLBACK);
}

/**
 * How Linux maps a stretch of memory: which register makes it so is in the chain of rules.
 *
 * @param range all that is mapped at once; one type counts for it
 * @param earlier how the same memory is mapped already, if it is
 * @throws GuestOsError if Linux refuses, as the other mapping has a type that does not go with this one
 */
export function linuxMapping(
  series: LinuxSeries,
  mapping: LinuxMapping,
  before: BeforeLinux,
  range: GfnRange,
  earlier?: LinuxMapping,
): LinuxMapped {
  const why = [patRule(series, before)];
  const isWritten = writesPat(series, before);
  const pat = isWritten ? LINUX_PAT : before.pat;
  const { wants, what, source } = MAPPINGS[mapping];
  why.push({ text: `${what} asks for ${wants}`, source });
  const isTracked = before.pat !== 0n && (isWritten || series.tracksUnwritten);
  const typeOf = (wish: PatType, rules: Rule[]): PatType =>
    isTracked && mapping !== 'ram' ? reserved(wish, before, range, rules) : wish;
  const own = typeOf(wants, why);
  const other = isTracked && earlier !== undefined ? typeOf(MAPPINGS[earlier].wants, []) : own;
  const type = shared(wants, own, other, why);
  const patEntry = entryOf(type, pat);
  why.push({
    text: `its page tables say PAT entry ${patEntry} for ${type}`,
    source: 'update_cache_mode_entry() and __cachemode2pte_tbl[] of arch/x86/mm/init.c',
  });
  return { pat, patEntry, why };
}
