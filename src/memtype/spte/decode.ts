import { decodeMemType, type MemType } from '../../arch/memory-types.js';
import { pagesOf } from '../../arch/units.js';
import type { Rule } from '../types.js';
import { SPTE_LAYOUTS, type SpteLayout } from './layouts.js';

/** What an entry is to the kernel that made it. */
export type SpteKind = 'not mapped' | 'being changed' | 'MMIO without a memslot' | 'leaf' | 'table' | 'none';

/** An entry as one series of kernels reads it. */
export interface LayoutReading {
  readonly layout: SpteLayout;
  readonly kind: SpteKind;
  /** Meanings of its bits beyond permissions, type and frame. */
  readonly bits: readonly string[];
  /** Numbers of the bits that are set, but that this series gives no meaning in such an entry. */
  readonly unknown: readonly number[];
}

/** An entry of EPT, as the processor takes it and as KVM does. */
export interface SpteReading {
  readonly level: number;
  /** Bits 51 to 12. */
  readonly frame: bigint;
  readonly r: boolean;
  readonly w: boolean;
  readonly x: boolean;
  /** Bits 5 to 3; undefined for the reserved types 2, 3 and 7. */
  readonly type: MemType | undefined;
  readonly ipat: boolean;
  /** If it maps anything, that is memory, not a table. */
  readonly isLeaf: boolean;
  /** Some series of kernels takes it for a leaf or a table. Of others the bits of type and IPAT mean nothing. */
  readonly maps: boolean;
  /** Why it is an EPT misconfiguration; none if it is not one. */
  readonly misconfigured: readonly Rule[];
  readonly layouts: readonly LayoutReading[];
}

const MISCONFIGURATION = 'SDM, "EPT Misconfigurations"';
const LARGE_BIT = 7;
const PERMISSIONS = 7n;
const TOP_LEVEL = 4;
/** Permissions, type, IPAT, page size, and the frame. */
const ARCHITECTURE = 0xffn | (((1n << 40n) - 1n) << 12n);

const isSet = (spte: bigint, bit: number): boolean => ((spte >> BigInt(bit)) & 1n) === 1n;

/** What is wrong with an entry that maps: the processor faults with an EPT misconfiguration, not an EPT violation. */
function misconfigurations(spte: bigint, level: number, isLeaf: boolean): string[] {
  if ((spte & 7n) === 0n) return [];
  const found: string[] = [];
  if (isSet(spte, 1) && !isSet(spte, 0)) found.push('W=1 without R=1');
  const type = Number((spte >> 3n) & 7n);
  if (isLeaf && decodeMemType(type) === undefined) found.push(`memory type ${type} is reserved`);
  if (level === TOP_LEVEL && isSet(spte, LARGE_BIT)) found.push('bit 7 is reserved at level 4');
  if (!isLeaf && (spte & 0x78n) !== 0n)
    found.push('bits 6 to 3 are reserved in an entry that leads to a table');
  const misaligned = BigInt(pagesOf(level) - 1);
  if (isLeaf && ((spte >> 12n) & misaligned) !== 0n) found.push(`the frame is not aligned to level ${level}`);
  return found;
}

function kindOf(layout: SpteLayout, spte: bigint, isLeaf: boolean): SpteKind {
  const { present, mmio, empty, frozen } = layout;
  if (spte === empty) return 'not mapped';
  if (spte === frozen) return 'being changed';
  const isMmio = (spte & mmio.mask) === mmio.value;
  // make_spte() permits something, or keeps that for later: no kernel makes a mapping without.
  const mapped = (spte & (PERMISSIONS | layout.saved)) === 0n ? 'none' : isLeaf ? 'leaf' : 'table';
  if (present === undefined) return isMmio ? 'MMIO without a memslot' : mapped;
  if ((spte & present) !== 0n) return mapped;
  return isMmio ? 'MMIO without a memslot' : 'none';
}

function readBy(layout: SpteLayout, spte: bigint, isLeaf: boolean): LayoutReading {
  const kind = kindOf(layout, spte, isLeaf);
  if (kind !== 'leaf' && kind !== 'table') return { layout, kind, bits: [], unknown: [] };
  const known = layout.bits.reduce((mask, [bit]) => mask | (1n << BigInt(bit)), ARCHITECTURE);
  return {
    layout,
    kind,
    bits: layout.bits.filter(([bit]) => isSet(spte, bit)).map(([bit, meaning]) => `${meaning} (bit ${bit})`),
    unknown: Array.from({ length: 64 }, (_, bit) => bit).filter(
      (bit) => isSet(spte, bit) && !isSet(known, bit),
    ),
  };
}

/**
 * Decode an entry of EPT as kvmmmu's trace prints it: what the processor makes of it, and what each series of kernels does.
 *
 * @param level 1 for an entry that maps 4 KiB, to 4
 */
export function decodeSpte(spte: bigint, level: number): SpteReading {
  const isLeaf = level === 1 || (level < TOP_LEVEL && isSet(spte, LARGE_BIT));
  const misconfigured = misconfigurations(spte, level, isLeaf);
  const layouts = SPTE_LAYOUTS.map((layout) => readBy(layout, spte, isLeaf));
  const isMmio = misconfigured.length > 0 && layouts.some(({ kind }) => kind === 'MMIO without a memslot');
  return {
    level,
    frame: (spte >> 12n) & ((1n << 40n) - 1n),
    r: isSet(spte, 0),
    w: isSet(spte, 1),
    x: isSet(spte, 2),
    type: decodeMemType(Number((spte >> 3n) & 7n)),
    ipat: isSet(spte, 6),
    isLeaf,
    maps: !isMmio && layouts.some(({ kind }) => kind === 'leaf' || kind === 'table'),
    misconfigured: misconfigured.map((text) => ({ text, source: MISCONFIGURATION })),
    layouts,
  };
}
