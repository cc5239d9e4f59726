import { PAGE_OFFSET } from '../../arch/units.js';
import type { VariableRange } from '../sdm/mtrr.js';
import type { Found, ReviewRule, Setup } from './types.js';
import { hex, sizeText } from './words.js';

const VARIABLE = 'SDM, "Variable Range MTRRs"';

/** A valid pair, with the address bits that a mask may have. */
interface Pair {
  readonly range: VariableRange;
  /** Address bits of the mask. */
  readonly mask: bigint;
  /** All bits that it may have. */
  readonly all: bigint;
}

/** The valid pairs of all vCPUs that differ; those of the first are told without its name. */
function eachPair(setup: Setup, test: (pair: Pair) => string | undefined): Found[] {
  const texts = setup.vcpus.flatMap(({ situation: { mtrr, maxphyaddr } }) => {
    const all = ((1n << BigInt(maxphyaddr)) - 1n) & ~PAGE_OFFSET;
    return mtrr.active.flatMap((range) => test({ range, mask: range.mask & all, all }) ?? []);
  });
  return [...new Set(texts)].map((text) => ({ text }));
}

const lowest = (mask: bigint): bigint => mask & -mask;

/** The bits below MAXPHYADDR that are missing above the highest one of a mask. */
const missingAbove = ({ mask, all }: Pair): bigint => all & ~((1n << BigInt(mask.toString(2).length)) - 1n);

/** Bits that are missing between the lowest and the highest one. */
function holes({ mask }: Pair): bigint {
  const span = (1n << BigInt(mask.toString(2).length)) - 1n;
  return span & ~(lowest(mask) - 1n) & ~mask;
}

function empty({ range, mask }: Pair): string | undefined {
  return mask === 0n
    ? `pair ${range.index} (${range.type}): its mask has no address bit: it matches all addresses`
    : undefined;
}

function tooShort(pair: Pair): string | undefined {
  const { range, mask } = pair;
  if (mask === 0n || missingAbove(pair) === 0n) return undefined;
  const every = sizeText(1n << BigInt(mask.toString(2).length));
  return `pair ${range.index} (${range.type}): its mask ${hex(range.mask)} lacks the upper bits below MAXPHYADDR: by the SDM it matches again every ${every}, and KVM up to 6.10 takes it to go up to the end`;
}

function broken(pair: Pair): string | undefined {
  const { range, mask } = pair;
  if (mask === 0n || holes(pair) === 0n) return undefined;
  return `pair ${range.index} (${range.type}): its mask ${hex(range.mask)} has holes: by the SDM it matches pieces, and KVM up to 6.10 what lies between them too (D4)`;
}

function unaligned(pair: Pair): string | undefined {
  const { range, mask } = pair;
  const base = range.base & ~PAGE_OFFSET;
  const beside = base & ~mask;
  if (mask === 0n || beside === 0n) return undefined;
  const size = sizeText(lowest(mask));
  return `pair ${range.index} (${range.type}): its base ${hex(base)} is not aligned to its mask (${size}): by the SDM it begins at ${hex(base & mask)}, on KVM up to 6.10 at the base (D3)`;
}

/** Rules that look at one pair of PHYSBASE and PHYSMASK. */
export const PAIR_RULES: readonly ReviewRule[] = [
  {
    name: 'base-alignment',
    severity: 'warning',
    source: VARIABLE,
    advice:
      'align each base to its size; where a range has no power of two as its size, take several pairs (check --solve)',
    find: (setup) => eachPair(setup, unaligned),
  },
  {
    name: 'mask-short',
    severity: 'error',
    source: VARIABLE,
    advice: 'set all bits of a mask from its size up to MAXPHYADDR, as CPUID 0x80000008 tells the guest',
    find: (setup) => eachPair(setup, tooShort),
  },
  {
    name: 'mask-holes',
    severity: 'warning',
    source: VARIABLE,
    advice: 'take several pairs without holes (check --solve)',
    find: (setup) => eachPair(setup, broken),
  },
  {
    name: 'mask-empty',
    severity: 'warning',
    source: VARIABLE,
    advice: 'set the default type instead, and clear the pair',
    find: (setup) => eachPair(setup, empty),
  },
];
