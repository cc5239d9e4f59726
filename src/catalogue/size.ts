import { MT, memTypeName, typeBytes } from '../arch/memory-types.js';
import { FIXED_MSRS, PHYSMASK_VALID } from '../arch/msrs.js';
import {
  cd,
  type MtrrRange,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  physMask,
  scenario,
  touch,
  wrmsr,
} from '../scenario/builder.js';
import type { Step } from '../scenario/types.js';

/** Two huge leaves in pages of 4 KiB. */
const PAGES = 1024;
const WB_IPAT = { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' };
const claim = (mtrr: string) => ({ A: mtrr, B: mtrr, D: 'WB', E: 'WB' });

const needs = ['ept-leaves', 'huge-pages', 'noncoherent'] as const;

/** The first 2 MiB are of two MTRR types, the next ones of one. */
const twoTypes = mtrrs({ def: MT.UC, ranges: [[MT.WB, mib(64), mib(1)]] });

const PAGE = 0x1000n;
/** Four large pages; the second, LOW to HIGH, is the one that ranges are made for. */
const SLOT = mib(64);
const LOW = mib(66);
const HIGH = mib(68);

/**
 * MTRR ranges about the large page [LOW, HIGH), the default type, and the type of its first frame. Each leaf is as large as the
 * model says: the shapes differ in whether the page, or one beside it, is all of one type for KVM.
 */
const SHAPES: readonly (readonly [def: number, first: string, ranges: readonly MtrrRange[]])[] = [
  [MT.WB, 'UC', [[MT.UC, LOW, mib(2)]]],
  [MT.WB, 'WC', [[MT.WC, LOW, PAGE]]],
  [MT.WB, 'WB', [[MT.WC, HIGH - PAGE, PAGE]]],
  [
    MT.WB,
    'WB',
    [
      [MT.WC, LOW - PAGE, PAGE],
      [MT.WC, HIGH, PAGE],
    ],
  ],
  [MT.WB, 'WP', [[MT.WP, LOW, mib(1)]]],
  [MT.WB, 'WB', [[MT.WT, LOW + mib(1), mib(1)]]],
  // Of the default type, so that it need not cover the page.
  [MT.WT, 'WT', [[MT.WT, LOW + 16n * PAGE, PAGE]]],
  // Two halves of one type count as a part of the page.
  [
    MT.WB,
    'WC',
    [
      [MT.WC, LOW, mib(1)],
      [MT.WC, LOW + mib(1), mib(1)],
    ],
  ],
  // Types that precedence would make one.
  [
    MT.UC,
    'UC',
    [
      [MT.UC, SLOT, mib(8)],
      [MT.WB, LOW, mib(2)],
    ],
  ],
  [
    MT.UC,
    'WC',
    [
      [MT.WC, SLOT, mib(4)],
      [MT.WT, HIGH, mib(4)],
    ],
  ],
];

/** Touch the first page of each large page, and the last. */
const touchAll = (first?: string): Step[] =>
  [SLOT, LOW, HIGH, HIGH + mib(2)].flatMap((gpa) => [
    touch(gpa, first !== undefined && gpa === LOW ? { claims: claim(first) } : {}),
    touch(gpa + mib(2) - PAGE),
  ]);

const NONE: MtrrRange = [MT.UC, 0n, PAGE];

const shapes = scenario(
  'size/range-shapes',
  'A leaf is large just where guest MTRRs have one type by the rules of the era, at both ends of a range and within',
  { needs },
  [
    noncoherent(true),
    memslot(1, SLOT, 4 * 512, 'huge-ram'),
    SHAPES.flatMap(([def, first, ranges]) => [
      ...mtrrs({ def, ranges: [...ranges, NONE].slice(0, 2), by: 'host' }),
      ...touchAll(first),
    ]),
    // A range that is not valid bounds nothing, nor does one of MTRRs that are off.
    mtrrs({ def: MT.WB, ranges: [[MT.UC, LOW, PAGE], NONE], by: 'host' }),
    wrmsr(0x201, physMask(PAGE) & ~PHYSMASK_VALID),
    touchAll('WB'),
    wrmsr(0x201, physMask(PAGE)),
    wrmsr(0x2ff, 0x6n),
    touchAll('UC'),
  ],
);

const TYPES = [MT.UC, MT.WC, MT.WT, MT.WP, MT.WB] as const;
/** Every two types, either first. */
const PAIRS = TYPES.flatMap((first) =>
  TYPES.filter((type) => type !== first).map((type) => [first, type] as const),
);

const types = scenario(
  'size/two-types',
  'No two types of the guest MTRRs share a large leaf, whichever of them comes first',
  { needs },
  [
    noncoherent(true),
    memslot(1, SLOT, 4 * 512, 'huge-ram'),
    mtrrs({
      def: MT.WB,
      ranges: [
        [MT.WB, LOW, mib(1)],
        [MT.WB, LOW + mib(1), mib(1)],
      ],
    }),
    PAIRS.flatMap(([first, second]) => [
      wrmsr(0x200, LOW | BigInt(first), { by: 'host' }),
      wrmsr(0x202, (LOW + mib(1)) | BigInt(second), { by: 'host' }),
      touch(LOW, { claims: claim(memTypeName(first)) }),
      touch(LOW + mib(1), { claims: claim(memTypeName(second)) }),
    ]),
  ],
);

/** Type of all fixed ranges, the default type, FE, the MSR that has another byte, and which. */
const FIXED: readonly (readonly [
  all: number,
  def: number,
  fe: boolean,
  odd?: readonly [msr: number, byte: number],
])[] = [
  [MT.WB, MT.WB, true],
  ...FIXED_MSRS.map((msr, i) => [MT.WB, MT.WB, true, [msr, i % 2 === 0 ? 7 : 0]] as const),
  [MT.WB, MT.WB, true, [0x250, 0]],
  [MT.WC, MT.WB, true],
  [MT.WB, MT.WT, true],
  [MT.WC, MT.WB, false],
];

const withOdd = (all: number, byte: number): bigint =>
  typeBytes(...Array.from({ length: 8 }, (_, i) => (i === byte ? MT.UC : all)));

const fixed = scenario(
  'size/fixed-ranges',
  'The first large page is small if one fixed range has another type than the rest, or than what follows them',
  { needs, hugeRam: true },
  [
    noncoherent(true),
    FIXED.flatMap(([all, def, fe, odd], i) => [
      ...mtrrs({
        def,
        fe,
        // After the first row only what differs from the row before is written.
        fixed: (i === 0 || i > FIXED_MSRS.length + 1 ? FIXED_MSRS : [FIXED[i - 1]?.[3]?.[0], odd?.[0]])
          .filter((msr) => msr !== undefined)
          .map((msr) => [msr, msr === odd?.[0] ? withOdd(all, odd[1]) : typeBytes(all)] as const),
        by: 'host',
      }),
      touch(0n),
      touch(mib(2) - PAGE),
      touch(mib(2)),
    ]),
  ],
);

const ends = scenario(
  'size/slot-ends',
  'A leaf is large only within its slot, and only where the slot lies as its memory does',
  { needs: ['ept-leaves', 'huge-pages'] },
  [
    // Congruent: small at its ends, large between; then off by a page.
    memslot(1, mib(64) + PAGE, 1534, 'huge-ram', { offset: 1 }),
    memslot(2, mib(128), PAGES, 'huge-ram', { offset: 1 }),
    memslot(3, mib(130) + PAGE * 512n, 512, 'huge-ram', { flags: ['readonly'] }),
    [mib(64) + PAGE, mib(66) - PAGE, mib(66), mib(68) - PAGE, mib(68), mib(70) - 2n * PAGE].map((gpa) =>
      touch(gpa, { claims: WB_IPAT }),
    ),
    [mib(128), mib(130) - PAGE, mib(130), mib(132)].map((gpa) => touch(gpa, { claims: WB_IPAT })),
    // A slot that moves by a page has no large leaf any more.
    memslot(3, mib(160) + PAGE, 512, 'huge-ram', { flags: ['readonly'] }),
    touch(mib(161), { claims: WB_IPAT }),
  ],
);

const HIGH_SLOT = 1n << 35n;

const refault = scenario(
  'size/dma-refault',
  'Large leaves go and come back, of another type or smaller, as non-coherent DMA, MTRRs and CR0.CD change',
  { needs },
  [
    memslot(1, HIGH_SLOT, PAGES, 'huge-ram'),
    touch(HIGH_SLOT, { claims: WB_IPAT }),
    touch(HIGH_SLOT + mib(2), { claims: WB_IPAT }),
    noncoherent(true),
    touch(HIGH_SLOT),
    mtrrs({ def: MT.WT }),
    touch(HIGH_SLOT, { claims: claim('WT') }),
    touch(HIGH_SLOT + mib(4) - PAGE, { claims: claim('WT') }),
    // One page of a large one: the leaf that holds it goes whole, and the one beside it stays.
    wrmsr(0x201, physMask(PAGE)),
    wrmsr(0x200, (HIGH_SLOT + mib(2) + PAGE) | BigInt(MT.WC)),
    touch(HIGH_SLOT + PAGE, { claims: claim('WT') }),
    touch(HIGH_SLOT + mib(2), { claims: claim('WT') }),
    touch(HIGH_SLOT + mib(2) + PAGE, { claims: claim('WC') }),
    wrmsr(0x200, (HIGH_SLOT + mib(2) - PAGE) | BigInt(MT.WC)),
    touch(HIGH_SLOT, { claims: claim('WT') }),
    touch(HIGH_SLOT + mib(2) - PAGE, { claims: claim('WC') }),
    mtrrs({ def: MT.UC, ranges: [[MT.WB, HIGH_SLOT, mib(4)]] }),
    touch(HIGH_SLOT, { claims: claim('WB') }),
    cd(true),
    touch(HIGH_SLOT + mib(2)),
    noncoherent(false),
    touch(HIGH_SLOT),
    touch(HIGH_SLOT + mib(2)),
  ],
);

const overTable = scenario(
  'size/over-table',
  'Once MTRRs allow a large leaf it takes the place of a table, and the small leaves that stayed there go',
  { needs: [...needs, 'tdp-mmu'] },
  [
    noncoherent(true),
    memslot(1, SLOT, PAGES, 'huge-ram'),
    mtrrs({ def: MT.WT, ranges: [[MT.WC, SLOT + PAGE, PAGE]] }),
    touch(SLOT, { claims: claim('WT') }),
    touch(SLOT + PAGE, { claims: claim('WC') }),
    // Up to 6.10 a write zaps where the range is from now on, and not where it was.
    wrmsr(0x200, mib(256) | BigInt(MT.WC)),
    touch(SLOT + 2n * PAGE, { claims: claim('WT') }),
    [SLOT, SLOT + PAGE].map((gpa) => touch(gpa, { claims: claim('WT') })),
  ],
);

/** How large a leaf guest MTRRs allow, on memory that the host has in huge pages. */
export const size = [
  scenario(
    'size/mtrrs-without-dma',
    'Guest MTRRs bound the size of a leaf while no DMA is non-coherent, up to 5.19 only',
    { needs: ['ept-leaves', 'huge-pages'] },
    [
      memslot(1, mib(64), PAGES, 'huge-ram'),
      ...twoTypes,
      touch(mib(64), { claims: WB_IPAT }),
      touch(mib(65), { claims: WB_IPAT }),
      touch(mib(66), { claims: WB_IPAT }),
    ],
  ),
  scenario('size/mtrrs-with-dma', 'With non-coherent DMA a leaf has one MTRR type, up to 6.10', { needs }, [
    noncoherent(true),
    memslot(1, mib(64), PAGES, 'huge-ram'),
    ...twoTypes,
    touch(mib(64), { claims: claim('WB') }),
    touch(mib(65), { claims: claim('UC') }),
    touch(mib(66), { claims: claim('UC') }),
  ]),
  scenario(
    'size/small-host-pages',
    'A leaf is small where the host has small pages, though a large one would fit',
    {},
    [
      memslot(1, mib(64), PAGES),
      [mib(64), mib(66) - PAGE, mib(66), mib(68) - PAGE].map((gpa) => touch(gpa, { claims: WB_IPAT })),
    ],
  ),
  shapes,
  types,
  fixed,
  ends,
  refault,
  overTable,
];
