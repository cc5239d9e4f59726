import { gpaOf } from '../../arch/units.js';
import { foldRanges, type MappedRange, type Piece, type Region, sameRegion } from '../../memtype/index.js';
import { contradicts, ept, hex, table } from './text.js';

/** A map, and how its vCPUs are called. */
export interface MapExplanation {
  readonly ranges: readonly MappedRange<Region>[];
  /** `vCPU 0`, `vCPUs 1-3`. */
  readonly who: readonly string[];
  /** Slots are told, so that what is in none is a hole. */
  readonly hasSlots: boolean;
}

const addressOf = (gfn: number): string => hex(gpaOf(gfn));

const UNITS: readonly (readonly [number, string])[] = [
  [2 ** 28, 'T'],
  [2 ** 18, 'G'],
  [2 ** 8, 'M'],
];

/** A size in the largest unit that it is a multiple of. */
function sizeText(frames: number): string {
  const [unit, name] = UNITS.find(([step]) => frames % step === 0) ?? [1 / 4, 'K'];
  return `${frames / unit}${name}`;
}

const either = (texts: readonly string[]): string => [...new Set(texts)].join(' or ');

const sizeOf = ({ start, end, repeats }: Piece<Region>): string =>
  [
    sizeText(end - start),
    ...repeats.map(({ times, every }) => `${times} times, every ${sizeText(every)}`),
  ].join(', ');

function slotText({ slot }: Region): string {
  if (slot === undefined) return '(hole)';
  return `${slot.name}: ${slot.backing.kind}${slot.readOnly ? ', read-only' : ''}`;
}

const differs = ({ vcpus }: Region): boolean =>
  vcpus.some(({ arch, effective }) => contradicts(arch, effective));

function rowOf(piece: Piece<Region>, hasSlots: boolean): string[] {
  const { start, end, value } = piece;
  const types =
    value.vcpus.length === 0
      ? ['no leaf', 'the VMM emulates it', '']
      : [
          either(value.vcpus.map(ept)),
          either(value.effective),
          `${either(value.vcpus.map(({ arch }) => arch))}${differs(value) ? ' *' : ''}`,
        ];
  const where = [addressOf(start), hex(gpaOf(end) - 1n), sizeOf(piece)];
  return [...where, ...(hasSlots ? [slotText(value)] : []), ...types];
}

/** The guest-physical map as a table: equal pieces that repeat are one row, which tells the first of them. */
export function mapText({ ranges, who, hasSlots }: MapExplanation): string {
  const pieces = foldRanges(ranges, sameRegion);
  const head = ['start', 'end', 'size', ...(hasSlots ? ['slot'] : []), 'EPT', 'effective', 'SDM'];
  const lines = table([head, ...pieces.map((piece) => rowOf(piece, hasSlots))]);
  const notes: string[] = [];
  if (ranges.some(({ value }) => differs(value))) notes.push('* not what this kernel gives');
  if (ranges.some(({ value }) => new Set(value.vcpus.map(ept)).size > 1))
    notes.push(`or: the first to touch a page decides, of ${who.join(', ')}`);
  return `${[...lines, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n')}\n`;
}

/** The map as plain data, each piece for itself. */
export function mapJson({ ranges, who, hasSlots }: MapExplanation): object[] {
  return ranges.map(({ start, end, value: { slot, vcpus, effective } }) => ({
    start: addressOf(start),
    end: addressOf(end),
    ...(hasSlots ? { slot: slot?.name ?? null } : {}),
    ...(vcpus.length === 1 ? vcpus[0] : {}),
    ...(who.length > 1 && vcpus.length > 0
      ? { effective, vcpus: vcpus.map((entry, i) => ({ who: who[i], ...entry })) }
      : {}),
  }));
}
