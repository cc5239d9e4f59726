import fc from 'fast-check';
import { MIB, PAGE_SIZE } from '../arch/units.js';
import { GUEST_BASE } from '../scenario/types.js';

const PAGE = BigInt(PAGE_SIZE);

/** Pages of guest RAM where something begins or ends: units of fixed ranges, the first megabyte, large pages. */
const EDGES = [0x8_0000, 0xa_0000, 0xc_0000, 0xf_0000, MIB, 2 * MIB, 4 * MIB, 8 * MIB].map(BigInt);
/** Pages within the segments of fixed ranges. */
const FIXED = [0x1_0000, 0x6_4000, 0x8_4000, 0x9_d000, 0xb_0000, 0xc_1000, 0xc_8000, 0xd_b000].map(BigInt);

/** A place for a memslot beside guest RAM: a number of its own, where it begins, how many pages it has. */
export interface Place {
  slot: number;
  gpa: bigint;
  pages: number;
  backing: 'ram' | 'huge-ram';
  offset: number;
}

const FOUR_GIB = 1n << 32n;
const SLOT_PAGES = [1, 4, 16];
/** Pages of a slot with two whole large pages, or with parts of large pages at its ends. */
const HUGE_PAGES = [1024, 1024 + 256];

/** Places that a guest with so many address bits has room for: below and across 4 GiB, below 64 GiB, and at its very end. */
export function places(maxphyaddr: number, huge: boolean): fc.Arbitrary<Place[]> {
  const most = 1n << BigInt(maxphyaddr);
  const usual = [FOUR_GIB, FOUR_GIB + (2n << 20n), 1n << 36n, 1n << 39n].filter((address) => address <= most);
  // Few processors have so many bits, and what has more is skipped there.
  const end = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: fc.constantFrom(most / 2n, most) },
  );
  const one = (slot: number): fc.Arbitrary<Place> =>
    fc
      .record({ end, pages: fc.constantFrom(...(huge ? HUGE_PAGES : SLOT_PAGES)), after: fc.boolean() })
      .map(({ end, pages, after }) => {
        const begin = after && end < most ? end : end - BigInt(pages) * PAGE;
        const gpa = end === FOUR_GIB && slot === 2 ? begin - (64n << 20n) : begin;
        const offset = huge ? Number((gpa / PAGE) % 512n) : 0;
        return { slot, gpa, pages, backing: huge ? 'huge-ram' : 'ram', offset };
      });
  return fc.tuple(one(1), one(2)).map((both) => both.slice(0, both[0].gpa === both[1].gpa ? 1 : 2));
}

/** First and last pages of the places, the pages around the edges in guest RAM, and a few that are neighbours. */
export function pagesOf(slots: readonly Place[]): bigint[] {
  const ends = slots.flatMap(({ gpa, pages }) => [
    gpa,
    gpa + BigInt(pages >> 1) * PAGE,
    gpa + BigInt(pages - 1) * PAGE,
  ]);
  const edges = EDGES.flatMap((edge) => [edge - PAGE, edge]);
  const neighbours = [1, 2, 3].map((n) => BigInt(4 * MIB) + BigInt(n) * PAGE);
  return [...ends, ...edges, ...FIXED, ...neighbours, 0n, BigInt(GUEST_BASE) - PAGE];
}
