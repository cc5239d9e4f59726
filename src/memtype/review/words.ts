import { type GfnRange, gpaOf } from '../../arch/units.js';

const UNITS: readonly (readonly [bigint, string])[] = [
  [1n << 40n, 'T'],
  [1n << 30n, 'G'],
  [1n << 20n, 'M'],
  [1n << 10n, 'K'],
];

export const hex = (value: bigint): string => `0x${value.toString(16)}`;

/** A size in the largest unit that it is a multiple of. */
export function sizeText(bytes: bigint): string {
  const [unit, name] = UNITS.find(([step]) => bytes !== 0n && bytes % step === 0n) ?? [1n, ''];
  return `${bytes / unit}${name}`;
}

const spanText = ({ start, end }: GfnRange): string => `${hex(gpaOf(start))}-${hex(gpaOf(end) - 1n)}`;

/** Join neighbours. */
function joined(pieces: readonly GfnRange[]): GfnRange[] {
  const ranges: { start: number; end: number }[] = [];
  for (const { start, end } of pieces) {
    const last = ranges.at(-1);
    if (last?.end === start) last.end = end;
    else ranges.push({ start, end });
  }
  return ranges;
}

const SHOWN = 3;

/** The first of many, and how many more there are. */
export function listText(texts: readonly string[]): string {
  const more = texts.length - SHOWN;
  return more > 1 ? `${texts.slice(0, SHOWN).join(', ')} and ${more} more` : texts.join(', ');
}

/** Stretches by their addresses, neighbours as one. */
export const rangesText = (ranges: readonly GfnRange[]): string => listText(joined(ranges).map(spanText));
