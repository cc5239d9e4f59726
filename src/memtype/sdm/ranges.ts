import { GFN_LIMIT, type GfnRange } from '../../arch/units.js';

/**
 * The frames that a variable MTRR matches by the formula of the SDM: `frame & mask == want`.
 * Numbers hold 53 bits but bitwise operators only 32, so each side is kept in halves of 20 bits.
 */
export interface FramePattern {
  readonly maskHigh: number;
  readonly maskLow: number;
  readonly wantHigh: number;
  readonly wantLow: number;
}

const HALF = 2 ** 20;
const HALF_BITS = 20n;
const HALF_MASK = 0xfffffn;

/** Build the pattern from the frame bits of PHYSBASE and PHYSMASK. */
export function framePattern(base: bigint, mask: bigint): FramePattern {
  const want = base & mask;
  return {
    maskHigh: Number((mask >> HALF_BITS) & HALF_MASK),
    maskLow: Number(mask & HALF_MASK),
    wantHigh: Number((want >> HALF_BITS) & HALF_MASK),
    wantLow: Number(want & HALF_MASK),
  };
}

/** Whether the pattern matches a frame. */
export function matches(pattern: FramePattern, gfn: number): boolean {
  return (
    ((gfn % HALF) & pattern.maskLow) === pattern.wantLow &&
    (Math.floor(gfn / HALF) & pattern.maskHigh) === pattern.wantHigh
  );
}

const join = (high: number, low: number): bigint => (BigInt(high) << HALF_BITS) | BigInt(low);
const lowBits = (count: number): bigint => (1n << BigInt(count)) - 1n;
const bitLength = (value: bigint): number => value.toString(2).length;
const lowestBit = (value: bigint): bigint => value & -value;

/** The lowest match at or above a frame that does not match; undefined if there is none. */
function nextMatch(mask: bigint, want: bigint, frame: bigint): bigint | undefined {
  const disagree = bitLength((frame ^ want) & mask);
  const below = lowBits(disagree);
  const topBit = 1n << BigInt(disagree - 1);
  // The highest bit in dispute must become 1: keep what is above it, and take the least below.
  if ((frame & topBit) === 0n) return (frame & ~below) | (want & below);
  // It must become 0, so a free 0 above it has to become 1 to stay above the frame.
  const free = ~frame & ~mask & ~below & (BigInt(GFN_LIMIT) - 1n);
  if (free === 0n) return undefined;
  const raised = lowestBit(free);
  const tail = raised - 1n;
  return (frame & ~tail) | raised | (want & tail);
}

/** The first frame above `gfn` where the pattern starts or stops to match; GFN_LIMIT if there is none. */
export function nextChange(pattern: FramePattern, gfn: number): number {
  const mask = join(pattern.maskHigh, pattern.maskLow);
  const want = join(pattern.wantHigh, pattern.wantLow);
  const frame = BigInt(gfn);
  if (!matches(pattern, gfn)) return Number(nextMatch(mask, want, frame) ?? GFN_LIMIT);
  // Every frame up to the next mask bit matches too.
  if (mask === 0n) return GFN_LIMIT;
  return Number((frame | (lowestBit(mask) - 1n)) + 1n);
}

/** Two half-open ranges have a frame in common. */
export function overlaps(a: GfnRange, b: GfnRange): boolean {
  return a.start < b.end && b.start < a.end;
}

/** A value that holds over a range of frames. */
export interface MappedRange<T> extends GfnRange {
  readonly value: T;
}

/** Tell the first frame above `gfn` where an input of the map may change; GFN_LIMIT or more if none. */
export type ChangeCursor = (gfn: number) => number;

/** Collects adjacent ranges of equal value into one. */
class RangeList<T> {
  readonly ranges: MappedRange<T>[] = [];
  constructor(private readonly same: (a: T, b: T) => boolean) {}

  push(range: MappedRange<T>): void {
    const last = this.ranges.at(-1);
    if (last === undefined || !this.same(last.value, range.value)) this.ranges.push(range);
    else this.ranges[this.ranges.length - 1] = { ...last, end: range.end };
  }
}

/**
 * Map [start, end), from 0 if it is not told, to its values, range by range: the value is asked for once per stretch in which no cursor reports a change.
 *
 * @param options `maxRanges`: give up with a RangeError beyond this many (a discontiguous mask can match half a million ranges)
 */
export function mapRanges<T>(
  end: number,
  valueAt: (gfn: number) => T,
  cursors: readonly ChangeCursor[],
  options: { same?: (a: T, b: T) => boolean; maxRanges?: number; start?: number } = {},
): MappedRange<T>[] {
  const { same = Object.is, maxRanges = 100_000, start = 0 } = options;
  const list = new RangeList<T>(same);
  const next = cursors.map((cursor) => cursor(start));
  let gfn = start;
  while (gfn < end) {
    const stop = Math.min(end, ...next);
    if (stop <= gfn) throw new RangeError(`a cursor went back from frame ${gfn} to ${stop}`);
    list.push({ start: gfn, end: stop, value: valueAt(gfn) });
    if (list.ranges.length > maxRanges) throw new RangeError(`the map has more than ${maxRanges} ranges`);
    cursors.forEach((cursor, i) => {
      if (next[i] === stop) next[i] = cursor(stop);
    });
    gfn = stop;
  }
  return list.ranges;
}
