import type { MemType } from '../../arch/memory-types.js';
import { GFN_LIMIT, type GfnRange, PAGE_OFFSET, PAGE_SHIFT } from '../../arch/units.js';
import type { ErratumId } from '../errata.js';
import {
  archMtrrType,
  FIXED_END,
  fixedRangeEnd,
  fixedRangeOf,
  type MtrrState,
  type VariableRange,
} from '../sdm/mtrr.js';
import { matches, overlaps } from '../sdm/ranges.js';
import type { Rule } from '../types.js';

const SOURCE = 'kvm_mtrr_get_guest_memory_type(), up to 6.10';
const U64 = (1n << 64n) - 1n;
const PAGE_MASK = U64 & ~PAGE_OFFSET;

/**
 * The frames that KVM takes a variable range to cover (`var_mtrr_range()`): from the base, not masked (D3), to the
 * highest address that the mask lets through, holes filled (D4). A mask that was never written gives end 0 (D5).
 */
export function kvmHull(range: VariableRange): GfnRange {
  const start = range.base & PAGE_MASK;
  const mask = (range.mask | range.reserved) & PAGE_MASK;
  const end = ((start | (U64 & ~mask)) + 1n) & U64;
  return { start: Number(start >> PAGE_SHIFT), end: Number(end >> PAGE_SHIFT) };
}

/** A valid range as KVM sees it. */
export interface KvmRange extends GfnRange {
  readonly index: number;
  readonly type: MemType;
  readonly range: VariableRange;
}

const cache = new WeakMap<MtrrState, readonly KvmRange[]>();

/** The valid ranges in the order KVM walks them: descending by the raw value of PHYSBASE, type byte included. */
export function kvmRanges(state: MtrrState): readonly KvmRange[] {
  const known = cache.get(state);
  if (known !== undefined) return known;
  const ranges = [...state.active]
    .sort((a, b) => Number(b.base - a.base))
    .map((range) => ({ ...kvmHull(range), index: range.index, type: range.type, range }));
  cache.set(state, ranges);
  return ranges;
}

/** Combine one more matching range into the type found so far; `final` ends the walk. */
function combine(type: MemType, next: MemType): { type: MemType; final: boolean } {
  if (next === type) return { type, final: false };
  if (next === 'UC') return { type: 'UC', final: true };
  const through = (t: MemType): boolean => t === 'WT' || t === 'WB';
  if (through(type) && through(next)) return { type: 'WT', final: false };
  // Reached with UC first as well: KVM tests only the newcomer for UC (D1), and takes all else as undefined (D2).
  return { type: 'WB', final: true };
}

function variableType(state: MtrrState, gfn: number, why?: Rule[]): MemType | undefined {
  let type: MemType | undefined;
  for (const range of kvmRanges(state)) {
    if (gfn < range.start || gfn >= range.end) continue;
    const step = type === undefined ? { type: range.type, final: false } : combine(type, range.type);
    why?.push({
      text:
        type === undefined
          ? `variable range ${range.index} says ${range.type}`
          : `variable range ${range.index} says ${range.type}, met after ${type}: ${step.type}`,
      source: SOURCE,
      by: type === undefined ? 'variable' : 'overlap',
    });
    type = step.type;
    if (step.final) break;
  }
  return type;
}

/**
 * The type that KVM up to 6.10 reads out of a vCPU's MTRRs.
 *
 * @param mtrrCpuid the guest's CPUID has MTRRs: decides between UC and WB while they are disabled
 */
export function kvmMtrrType(state: MtrrState, mtrrCpuid: boolean, gfn: number, why?: Rule[]): MemType {
  if (!state.enabled) {
    const type = mtrrCpuid ? 'UC' : 'WB';
    const cpuid = mtrrCpuid ? 'the guest has MTRRs' : 'the guest has no MTRRs by its CPUID';
    why?.push({
      text: `MTRRs are disabled (E=0) and ${cpuid}: ${type}`,
      source: 'mtrr_disabled_type(), up to 6.10',
      by: 'mtrrs-off',
    });
    return type;
  }
  if (state.fixedEnabled && gfn < FIXED_END) {
    const type = state.fixedTypes[fixedRangeOf(gfn)] as MemType;
    why?.push({ text: `fixed range ${fixedRangeOf(gfn)} says ${type}`, source: SOURCE, by: 'fixed' });
    return type;
  }
  const type = variableType(state, gfn, why);
  if (type !== undefined) return type;
  why?.push({
    text: `no variable range covers the page: the default type ${state.defaultType}`,
    source: SOURCE,
    by: 'default',
  });
  return state.defaultType;
}

/** All fixed ranges from the one that covers `from` up to `end` hold one type; undefined if they do not. */
function fixedTypesOf(state: MtrrState, from: number, end: number): ReadonlySet<MemType> {
  const types = new Set<MemType>();
  for (let gfn = from; gfn < Math.min(end, FIXED_END); gfn = fixedRangeEnd(gfn)) {
    types.add(state.fixedTypes[fixedRangeOf(gfn)] as MemType);
  }
  return types;
}

/**
 * Whether KVM up to 6.10 would map the range with one leaf (`kvm_mtrr_check_gfn_range_consistency()`).
 * It compares the types of the ranges as they are, without their precedence. Coverage is judged walking down from the
 * highest base by a test written for walking up, so two ranges that together cover everything count as partial.
 */
export function kvmRangeConsistent(state: MtrrState, range: GfnRange): boolean {
  if (!state.enabled) return true;
  const types = new Set(state.fixedEnabled ? fixedTypesOf(state, range.start, range.end) : []);
  if (state.fixedEnabled && range.end <= FIXED_END) return types.size === 1;
  let covered = range.start;
  let partial = false;
  for (const variable of kvmRanges(state)) {
    if (!overlaps(variable, range)) continue;
    types.add(variable.type);
    partial ||= covered < variable.start;
    covered = Math.max(covered, variable.end);
  }
  partial ||= covered < range.end;
  if (types.size > 1) return false;
  return !partial || types.size === 0 || types.has(state.defaultType);
}

/** What kvm_zap_gfn_range() is given after a write to PHYSBASE or PHYSMASK: the new range, valid or not. */
export function kvmZapRange(range: VariableRange): GfnRange {
  const hull = kvmHull(range);
  return { start: hull.start, end: Math.min(hull.end, GFN_LIMIT) };
}

/** A hull that differs from the SDM's match at this frame, and by which of the two causes. */
function coverageErratum(range: KvmRange, gfn: number): ErratumId | undefined {
  const covered = gfn >= range.start && gfn < range.end;
  if (covered === matches(range.range.pattern, gfn)) return undefined;
  return covered ? 'D4' : 'D3';
}

/** The departures from the SDM that decide the type of a frame. */
export function mtrrErrata(state: MtrrState, mtrrCpuid: boolean, gfn: number): ErratumId[] {
  if (!state.enabled) return [];
  const arch = archMtrrType(state, gfn);
  if (arch === kvmMtrrType(state, mtrrCpuid, gfn)) return [];
  const coverage = kvmRanges(state).flatMap((range) => coverageErratum(range, gfn) ?? []);
  if (coverage.length > 0) return [...new Set(coverage)];
  return [arch === 'undefined' ? 'D2' : 'D1'];
}
