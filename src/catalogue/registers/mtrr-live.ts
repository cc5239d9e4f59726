import { MT, memTypeName, typeBytes } from '../../arch/memory-types.js';
import { defType, MSR } from '../../arch/msrs.js';
import {
  type MtrrRange,
  mib,
  mtrrs,
  noncoherent,
  physMask,
  scenario,
  touch,
  wrmsr,
} from '../../scenario/builder.js';
import type { Step } from '../../scenario/types.js';

const needs = ['ept-leaves', 'noncoherent'] as const;

/** What each era claims for a page whose MTRR type is `mtrr`. */
const claim = (mtrr: string) => ({ A: mtrr, B: mtrr, D: 'WB', E: 'WB' });

const PAGE = 0x1000n;

/** Every fixed-range MTRR: its number, first gpa and the size of the unit of one byte. */
const FIXED: readonly (readonly [msr: number, base: bigint, size: bigint])[] = [
  [MSR.FIX64K_00000, 0n, 0x1_0000n],
  [MSR.FIX16K_80000, 0x8_0000n, 0x4000n],
  [MSR.FIX16K_A0000, 0xa_0000n, 0x4000n],
  ...Array.from(
    { length: 8 },
    (_, i) => [MSR.FIX4K_C0000 + i, 0xc_0000n + BigInt(i) * 0x8000n, PAGE] as const,
  ),
];

/** Types of the eight bytes of the `n`-th fixed-range MTRR: no two of them are the same. */
const TYPES = [MT.UC, MT.WC, MT.WT, MT.WP, MT.WB];
const bytesOf = (n: number): number[] =>
  Array.from({ length: 8 }, (_, i) => TYPES[(n + i * 2 + (n >> 2)) % 5] as number);

/** Touch the first and the last page of what each fixed-range MTRR covers, and the page above all. */
const fixedEnds = [
  ...FIXED.flatMap(([, base, size]) => [touch(base), touch(base + 8n * size - PAGE)]),
  touch(mib(1)),
];

const fixed = scenario(
  'mtrr/live-fixed',
  'A write of each fixed-range MTRR while they are on zaps what it covers, no page more or less',
  { needs },
  [
    noncoherent(true),
    mtrrs({ def: MT.WB, fe: true }),
    fixedEnds,
    FIXED.map(([msr], n) => wrmsr(msr, typeBytes(...bytesOf(n)))),
    FIXED.flatMap(([, base, size], n) =>
      bytesOf(n).map((type, i) => touch(base + BigInt(i) * size, { claims: claim(memTypeName(type)) })),
    ),
    touch(0x8_3000n), // The last page of a byte's unit.
    touch(0xb_f000n),
    touch(0x7_f000n),
  ],
);

const fixedOff = scenario(
  'mtrr/live-while-off',
  'Writes of MTRRs that are off zap nothing, but those of the default type',
  { needs },
  [
    noncoherent(true),
    wrmsr(MSR.DEF_TYPE, defType(MT.WT, { e: false })),
    fixedEnds,
    touch(mib(4), { claims: claim('UC') }),
    wrmsr(MSR.FIX4K_C0000, typeBytes(MT.WP)),
    wrmsr(MSR.FIX64K_00000, typeBytes(MT.WP)),
    wrmsr(MSR.PHYSBASE0, mib(4) | BigInt(MT.WC)),
    wrmsr(MSR.PHYSMASK0, physMask(mib(4))),
    touch(mib(4), { claims: claim('UC') }),
    wrmsr(MSR.DEF_TYPE, defType(MT.WT, { e: false, fe: true })),
    touch(0n, { claims: claim('UC') }),
    touch(mib(4), { claims: claim('UC') }),
    wrmsr(MSR.DEF_TYPE, defType(MT.WT, { e: true })),
    fixedEnds,
    touch(mib(4), { claims: claim('WC') }),
    wrmsr(MSR.FIX16K_A0000, typeBytes(MT.UC)),
    wrmsr(MSR.FIX4K_F8000, typeBytes(MT.UC)),
    touch(0xa_0000n, { claims: claim('WT') }),
    touch(0xf_8000n, { claims: claim('WT') }),
    wrmsr(MSR.DEF_TYPE, defType(MT.WT, { e: true, fe: true })),
    touch(0xa_0000n, { claims: claim('UC') }),
    touch(0xc_0000n, { claims: claim('WP') }),
    touch(mib(1)),
  ],
);

/** Touch the pages on both sides of both ends of [base, base + size). */
const ends = (base: bigint, size: bigint): Step[] =>
  [base - PAGE, base, base + size - PAGE, base + size].map((gpa) => touch(gpa));

const variable = scenario(
  'mtrr/live-variable',
  'A write of a variable range while MTRRs are on zaps the range that it makes, no page more or less',
  { needs },
  [
    noncoherent(true),
    mtrrs({ def: MT.WB }),
    ends(mib(4), mib(2)),
    ends(mib(8), mib(1)),
    wrmsr(MSR.PHYSMASK0 + 2, physMask(mib(2)) & ~(1n << 11n)),
    wrmsr(MSR.PHYSBASE0 + 2, mib(4) | BigInt(MT.WT)),
    ends(mib(4), mib(2)),
    wrmsr(MSR.PHYSMASK0 + 2, physMask(mib(2))),
    ends(mib(4), mib(2)),
    wrmsr(MSR.PHYSBASE0 + 2, mib(4) | BigInt(MT.WP)),
    ends(mib(4), mib(2)),
    wrmsr(MSR.PHYSMASK0 + 2, physMask(mib(2)) & ~(1n << 11n)),
    touch(mib(4), { claims: claim('WB') }),
    ends(mib(4), mib(2)),
    ends(mib(8), mib(1)),
  ],
);

/** A type for each of the eight variable ranges, of 1 MiB each from 2 MiB on. */
const EIGHT = [MT.WT, MT.UC, MT.WP, MT.WC, MT.WT, MT.WP, MT.UC, MT.WC];

const eight = scenario('mtrr/eight-ranges', 'Each of the eight variable ranges types its pages', { needs }, [
  noncoherent(true),
  mtrrs({ def: MT.WB, ranges: EIGHT.map((type, i): MtrrRange => [type, mib(2 + i), mib(1)]) }),
  EIGHT.flatMap((type, i) => [
    touch(mib(2 + i), { claims: claim(memTypeName(type)) }),
    touch(mib(3 + i) - PAGE, { claims: claim(memTypeName(type)) }),
  ]),
  touch(mib(2) - PAGE, { claims: claim('WB') }),
  touch(mib(10), { claims: claim('WB') }),
]);

/**
 * Three ranges over one page, from the highest base down, and what eras A and B make of them: they go from one to the next, and UC
 * wins only where it is not the first (errata D1 and D2; kvm_mtrr_get_guest_memory_type() of 6.1).
 */
const THREE: readonly (readonly [types: readonly number[], result: string])[] = [
  [[MT.WT, MT.WB, MT.UC], 'UC'],
  [[MT.WB, MT.WT, MT.UC], 'UC'],
  [[MT.WT, MT.WB, MT.WC], 'WB'],
  [[MT.WB, MT.WB, MT.WT], 'WT'],
  [[MT.WP, MT.WP, MT.WP], 'WP'],
  [[MT.WP, MT.UC, MT.WB], 'UC'],
  [[MT.WP, MT.WT, MT.UC], 'WB'],
  [[MT.UC, MT.UC, MT.WB], 'WB'],
];

const three = scenario(
  'mtrr/overlap-three',
  'Three variable ranges over one page give the type that the first of them lead to',
  { needs },
  [
    noncoherent(true),
    THREE.flatMap(([[first, second, third], result]) => [
      ...mtrrs({
        def: MT.WB,
        ranges: [
          [third as number, 0n, mib(16)],
          [first as number, mib(12), mib(4)],
          [second as number, mib(8), mib(8)],
        ],
      }),
      touch(mib(12), { claims: claim(result) }),
    ]),
  ],
);

/** MTRRs that change while they are on, and all that there are at once. */
export const mtrrLive = [fixed, fixedOff, variable, eight, three];
