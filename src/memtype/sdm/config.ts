import { type MemType, MT, typeBytes } from '../../arch/memory-types.js';
import { addressMask, defType, FIXED_MSRS, MSR, PHYSMASK_VALID, VARIABLE_COUNT } from '../../arch/msrs.js';
import { gfnOf, PAGE_OFFSET, PAGE_SIZE } from '../../arch/units.js';
import { describeMsr, faultOf, missingMtrr } from './msr-fault.js';
import { classifyMsr, type MtrrMsr } from './msrs.js';
import { FIXED_END, fixedRangeEnd, fixedRangeOf, MtrrState } from './mtrr.js';

/** One variable range, by size (a power of two, in bytes) or by the address bits of its mask. */
export interface VariableConfig {
  readonly index: number;
  readonly type: MemType;
  /** Guest-physical address, a multiple of 4 KiB. */
  readonly base: bigint;
  readonly size?: bigint;
  readonly mask?: bigint;
  /** The valid bit of PHYSMASK; set if not told. */
  readonly valid?: boolean;
}

/** A type for all fixed ranges in [start, start + size), which must be whole ones. */
export interface FixedConfig {
  readonly type: MemType;
  readonly start: bigint;
  readonly size: bigint;
}

/** The MTRRs of a processor as a person would write them down. What is left out stays 0, as KVM starts. */
export interface MtrrConfig {
  readonly def?: {
    readonly type: MemType;
    readonly enabled: boolean;
    readonly fixedEnabled: boolean;
    /** Whether fixed ranges are on is not known: `fixedEnabled` is taken for granted. */
    readonly isFixedAssumed?: true;
  };
  readonly variable?: readonly VariableConfig[];
  readonly fixed?: readonly FixedConfig[];
}

/** One write of the sequence that programs the MTRRs. */
export interface MsrWrite {
  readonly msr: number;
  readonly value: bigint;
}

/** MTRRs that no processor takes: a reserved bit, a size that is no power of two, a range that is not there. */
export class MtrrConfigError extends Error {
  override readonly name = 'MtrrConfigError';
  readonly code = 'MEMTYPE_MTRR';

  /**
   * Say what is wrong.
   * @param maxphyaddr the least MAXPHYADDR with which the same would be legal, if there is one
   */
  constructor(
    message: string,
    readonly maxphyaddr?: number,
  ) {
    super(message);
  }
}

function maskOf(range: VariableConfig, maxphyaddr: number): bigint {
  if (range.mask !== undefined) return range.mask;
  const size = range.size ?? 0n;
  if (size < PAGE_SIZE || (size & (size - 1n)) !== 0n) {
    throw new MtrrConfigError(
      `variable range ${range.index}: the size must be a power of two of at least 4K`,
    );
  }
  return addressMask(size, maxphyaddr);
}

function variableWrites(range: VariableConfig, maxphyaddr: number): MsrWrite[] {
  const { index, type, base, valid = true } = range;
  if (!Number.isInteger(index) || index < 0 || index >= VARIABLE_COUNT) {
    throw new MtrrConfigError(`variable range ${index}: there are ranges 0 to ${VARIABLE_COUNT - 1}`);
  }
  if ((base & PAGE_OFFSET) !== 0n)
    throw new MtrrConfigError(`variable range ${index}: the base must be a multiple of 4K`);
  const msr = MSR.PHYSBASE0 + 2 * index;
  const mask = maskOf(range, maxphyaddr) | (valid ? PHYSMASK_VALID : 0n);
  return [
    { msr, value: base | BigInt(MT[type]) },
    { msr: msr + 1, value: mask },
  ];
}

/** Give `type` to the fixed ranges that make up a span, in the table of all 88. */
function fillFixed(types: MemType[], { type, start, size }: FixedConfig): void {
  const end = gfnOf(start + size);
  let gfn = gfnOf(start);
  const fail = (): never => {
    throw new MtrrConfigError(
      `fixed ranges from 0x${start.toString(16)}: the span is not made of whole ones below 1M`,
    );
  };
  const starts = fixedRangeEnd(gfn - 1) === gfn;
  if (!starts || end <= gfn || end > FIXED_END || ((start | size) & PAGE_OFFSET) !== 0n) fail();
  for (; gfn < end; gfn = fixedRangeEnd(gfn)) types[fixedRangeOf(gfn)] = type;
  if (gfn !== end) fail();
}

function fixedWrites(spans: readonly FixedConfig[]): MsrWrite[] {
  if (spans.length === 0) return [];
  const types: MemType[] = new Array(8 * FIXED_MSRS.length).fill('UC');
  for (const span of spans) fillFixed(types, span);
  return FIXED_MSRS.map((msr, i) => {
    const encodings = types.slice(8 * i, 8 * i + 8).map((type) => MT[type]);
    return { msr, value: typeBytes(...encodings) };
  });
}

/**
 * The MSR writes that program these MTRRs: fixed, variable, and the default type last, which enables them.
 *
 * @param maxphyaddr physical-address bits, 36 to 52
 * @throws MtrrConfigError if a size, a base or an index cannot be
 */
export function mtrrWrites(config: MtrrConfig, maxphyaddr: number): MsrWrite[] {
  const { def, variable = [], fixed = [] } = config;
  const writes = [...fixedWrites(fixed), ...variable.flatMap((range) => variableWrites(range, maxphyaddr))];
  if (def === undefined) return writes;
  const value = defType(MT[def.type], { e: def.enabled, fe: def.fixedEnabled });
  return [...writes, { msr: MSR.DEF_TYPE, value }];
}

/**
 * Check one write of an MTRR or the PAT.
 *
 * @throws MtrrConfigError if it would fault, or is of another MSR
 */
export function checkedMsr({ msr, value }: MsrWrite, maxphyaddr: number): MtrrMsr {
  const known = classifyMsr(msr);
  const fault = known && faultOf(known, value, maxphyaddr);
  if (known !== undefined && fault === undefined) return known;
  const write = `writing 0x${value.toString(16)} to ${describeMsr(msr)}`;
  const missing = missingMtrr(msr);
  if (missing !== undefined) throw new MtrrConfigError(`${write} would fault: ${missing}`);
  throw fault === undefined
    ? new MtrrConfigError(`${write} has no bearing on memory types: it is no MTRR and not the PAT`)
    : new MtrrConfigError(`${write} would fault: ${fault.reason}`, fault.maxphyaddr);
}

/**
 * The MTRRs after these writes.
 *
 * @throws MtrrConfigError at the first write that would fault, or that is of no MTRR
 */
export function replayWrites(writes: readonly MsrWrite[], maxphyaddr: number): MtrrState {
  return writes.reduce((state, write) => {
    const msr = checkedMsr(write, maxphyaddr);
    if (msr.kind === 'pat') throw new MtrrConfigError(`${describeMsr(write.msr)} is no MTRR`);
    return state.write(msr, write.value, maxphyaddr);
  }, MtrrState.initial);
}
