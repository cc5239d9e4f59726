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

export const spanText = ({ start, end }: GfnRange): string => `${hex(gpaOf(start))}-${hex(gpaOf(end) - 1n)}`;

const SHOWN = 3;

/** The first of many, and how many more there are. */
export function listText(texts: readonly string[]): string {
  const more = texts.length - SHOWN;
  return more > 1 ? `${texts.slice(0, SHOWN).join(', ')} and ${more} more` : texts.join(', ');
}
