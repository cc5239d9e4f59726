import { byteOf, decodeMemType, type MemType, MT } from '../../arch/memory-types.js';
import { DEF_TYPE_E, DEF_TYPE_FE, FIXED_MSRS, PHYSMASK_VALID, VARIABLE_COUNT } from '../../arch/msrs.js';
import { PAGE_SHIFT } from '../../arch/units.js';
import type { ArchType, Rule } from '../types.js';
import { MTRRCAP_VALUE, type MtrrMsr, reservedAddressBits } from './msrs.js';
import { type ChangeCursor, type FramePattern, framePattern, matches, nextChange } from './ranges.js';

/** Frames below 1 MiB, which fixed ranges can cover. */
export const FIXED_END = 256;

/** The three groups of fixed ranges; `step` is the frames of one range, `first` its number among the 88. */
const FIXED_GROUPS = [
  { start: 0, end: 0x80, step: 16, first: 0 },
  { start: 0x80, end: 0xc0, step: 4, first: 8 },
  { start: 0xc0, end: FIXED_END, step: 1, first: 24 },
] as const;

function fixedGroup(gfn: number): (typeof FIXED_GROUPS)[number] {
  return gfn < 0x80 ? FIXED_GROUPS[0] : gfn < 0xc0 ? FIXED_GROUPS[1] : FIXED_GROUPS[2];
}

/** Number, 0 to 87, of the fixed range that covers a frame below FIXED_END. */
export function fixedRangeOf(gfn: number): number {
  const group = fixedGroup(gfn);
  return group.first + Math.floor((gfn - group.start) / group.step);
}

/** First frame after the fixed range that covers a frame below FIXED_END. */
export function fixedRangeEnd(gfn: number): number {
  const { start, step } = fixedGroup(gfn);
  return start + (Math.floor((gfn - start) / step) + 1) * step;
}

/** The frames that one fixed-range MSR covers: 512, 128 or 32 KiB. `index` counts as in FIXED_MSRS. */
export function fixedMsrFrames(index: number): { start: number; end: number } {
  const [group, offset] =
    index === 0
      ? [FIXED_GROUPS[0], 0]
      : index < 3
        ? [FIXED_GROUPS[1], index - 1]
        : [FIXED_GROUPS[2], index - 3];
  const size = 8 * group.step;
  return { start: group.start + offset * size, end: group.start + (offset + 1) * size };
}

/** One PHYSBASE/PHYSMASK pair, with what can be derived from it once per write. */
export interface VariableRange {
  readonly index: number;
  readonly base: bigint;
  readonly mask: bigint;
  /** Address bits that were reserved when PHYSMASK was last written; 0 if it never was. */
  readonly reserved: bigint;
  readonly valid: boolean;
  readonly type: MemType;
  readonly pattern: FramePattern;
}

/** The type in one byte of a value that was legal to write. */
const typeIn = (value: bigint, byte: number): MemType => decodeMemType(byteOf(value, byte)) as MemType;

function makeVariable(index: number, base: bigint, mask: bigint, reserved: bigint): VariableRange {
  return {
    index,
    base,
    mask,
    reserved,
    valid: (mask & PHYSMASK_VALID) !== 0n,
    type: typeIn(base, 0),
    pattern: framePattern(base >> PAGE_SHIFT, mask >> PAGE_SHIFT),
  };
}

const EMPTY_VARIABLE = Array.from({ length: VARIABLE_COUNT }, (_, i) => makeVariable(i, 0n, 0n, 0n));
const EMPTY_FIXED: readonly bigint[] = FIXED_MSRS.map(() => 0n);
const EMPTY_TYPES: readonly MemType[] = FIXED_MSRS.flatMap(() => new Array<MemType>(8).fill('UC'));

/** The types of the 88 fixed ranges after one of the eleven MSRs has changed. */
function withFixed(types: readonly MemType[], index: number, value: bigint): MemType[] {
  const changed = [...types];
  for (let i = 0; i < 8; i++) changed[8 * index + i] = typeIn(value, i);
  return changed;
}

/**
 * The MTRRs of one processor. Immutable: a write gives a new state that shares what did not change, so that states
 * can be kept and compared freely. The initial state is KVM's: all zero, that is, MTRRs disabled.
 */
export class MtrrState {
  static readonly initial = new MtrrState(0n, EMPTY_FIXED, EMPTY_VARIABLE, EMPTY_TYPES);

  readonly enabled: boolean;
  readonly fixedEnabled: boolean;
  readonly defaultType: MemType;
  /** The valid variable ranges, by index. */
  readonly active: readonly VariableRange[];

  private constructor(
    readonly deftype: bigint,
    readonly fixed: readonly bigint[],
    readonly variable: readonly VariableRange[],
    /** The types of the 88 fixed ranges, in the order of their addresses. */
    readonly fixedTypes: readonly MemType[],
  ) {
    this.enabled = (deftype & DEF_TYPE_E) !== 0n;
    this.fixedEnabled = (deftype & DEF_TYPE_FE) !== 0n;
    this.defaultType = typeIn(deftype, 0);
    this.active = variable.filter((range) => range.valid);
  }

  /** The state after a write that `isValidMsrValue` accepts; `maxphyaddr` is the processor's at that moment. */
  write(msr: MtrrMsr, value: bigint, maxphyaddr: number): MtrrState {
    const { deftype, fixed, variable, fixedTypes } = this;
    switch (msr.kind) {
      case 'deftype':
        return new MtrrState(value, fixed, variable, fixedTypes);
      case 'fixed':
        return new MtrrState(
          deftype,
          fixed.with(msr.index, value),
          variable,
          withFixed(fixedTypes, msr.index, value),
        );
      case 'base':
        return this.withVariable(msr.index, (r) => makeVariable(r.index, value, r.mask, r.reserved));
      case 'mask':
        return this.withVariable(msr.index, (r) =>
          makeVariable(r.index, r.base, value, reservedAddressBits(maxphyaddr)),
        );
      default:
        return this;
    }
  }

  private withVariable(index: number, change: (range: VariableRange) => VariableRange): MtrrState {
    const variable = this.variable.map((range) => (range.index === index ? change(range) : range));
    return new MtrrState(this.deftype, this.fixed, variable, this.fixedTypes);
  }

  /** The value last written to an MTRR MSR (or the fixed value of MTRRcap); PAT is not part of this state. */
  read(msr: MtrrMsr): bigint {
    switch (msr.kind) {
      case 'cap':
        return MTRRCAP_VALUE;
      case 'deftype':
        return this.deftype;
      case 'fixed':
        return this.fixed[msr.index] as bigint;
      case 'base':
        return (this.variable[msr.index] as VariableRange).base;
      case 'mask':
        return (this.variable[msr.index] as VariableRange).mask;
      default:
        throw new RangeError('the PAT is not an MTRR');
    }
  }
}

const SDM = {
  enable: 'SDM, "IA32_MTRR_DEF_TYPE MSR"',
  fixed: 'SDM, "Fixed Range MTRRs"',
  variable: 'SDM, "Variable Range MTRRs"',
  precedence: 'SDM, "MTRR Precedences"',
};

const bit = (type: MemType): number => 1 << MT[type];
const UC_BIT = bit('UC');
const WT_WB_BITS = bit('WT') | bit('WB');

/** Resolve the set of types (bits by encoding) of the variable ranges that match an address. */
function resolveOverlap(types: number): ArchType {
  if ((types & UC_BIT) !== 0) return 'UC';
  if (types === WT_WB_BITS) return 'WT';
  const single = (types & (types - 1)) === 0;
  return (single ? decodeMemType(31 - Math.clz32(types)) : undefined) ?? 'undefined';
}

/**
 * The memory type that the MTRRs give a frame, as the SDM has it ("MTRR Precedences").
 *
 * @param gfn frame number below 2^40
 * @param why receives the chain of rules, if given
 */
export function archMtrrType(state: MtrrState, gfn: number, why?: Rule[]): ArchType {
  if (!state.enabled) {
    why?.push({ text: 'MTRRs are disabled (E=0): all memory is UC', source: SDM.enable });
    return 'UC';
  }
  if (state.fixedEnabled && gfn < FIXED_END) {
    const type = state.fixedTypes[fixedRangeOf(gfn)] as MemType;
    why?.push({ text: `fixed range ${fixedRangeOf(gfn)} says ${type}`, source: SDM.fixed });
    return type;
  }
  let types = 0;
  for (const range of state.active) {
    if (!matches(range.pattern, gfn)) continue;
    types |= bit(range.type);
    why?.push({ text: `variable range ${range.index} says ${range.type}`, source: SDM.variable });
  }
  if (types === 0) {
    why?.push({
      text: `no variable range matches: the default type ${state.defaultType}`,
      source: SDM.enable,
    });
    return state.defaultType;
  }
  const type = resolveOverlap(types);
  why?.push({ text: `the ranges that match give ${type}`, source: SDM.precedence });
  return type;
}

/** Where fixed ranges end. */
export const fixedCursor: ChangeCursor = (gfn) =>
  gfn < FIXED_END ? fixedRangeEnd(gfn) : Number.POSITIVE_INFINITY;

/** Where the type that the MTRRs give may change. */
export function mtrrCursors(state: MtrrState): ChangeCursor[] {
  const ranges = state.active.map(
    ({ pattern }): ChangeCursor =>
      (gfn) =>
        nextChange(pattern, gfn),
  );
  return [fixedCursor, ...ranges];
}
