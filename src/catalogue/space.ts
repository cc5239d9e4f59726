import { type MemType, MT } from '../arch/memory-types.js';
import { defType, MSR, VARIABLE_COUNT } from '../arch/msrs.js';
import {
  cd,
  deleteMemslot,
  type MtrrRange,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  physMask,
  rdmsr,
  scenario,
  touch,
  wrmsr,
} from '../scenario/builder.js';
import { GUEST_BASE, RAM_SIZE, type Scenario, type Step } from '../scenario/types.js';

const needs = ['ept-leaves', 'noncoherent'] as const;

const claim = (mtrr: string) => ({ A: mtrr, B: mtrr, D: 'WB', E: 'WB' });
const COHERENT = { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' };

const PAGE = 0x1000n;
const gib = (n: number): bigint => BigInt(n) << 30n;
const pow2 = (bits: number): bigint => 1n << BigInt(bits);

/** A slot of two pages on either side of an address. */
const around = (slot: number, gpa: bigint): Step => memslot(slot, gpa - 2n * PAGE, 4);
/** The page below an address, and the one at it. */
const bothSides = (gpa: bigint, below: string, at: string): Step[] => [
  touch(gpa - PAGE, { claims: claim(below) }),
  touch(gpa, { claims: claim(at) }),
];

/** Addresses that are the same in their low 32 bits, or in their low 36. */
const ALIASES = [mib(4), gib(4) + mib(4), gib(8) + mib(4), gib(32) + mib(4)];
const WIDE_ALIASES = [mib(4), pow2(36) + mib(4), pow2(39) + mib(4)];

const slotsAt = (gpas: readonly bigint[]): Step[] =>
  gpas.slice(1).map((gpa, i) => memslot(i + 1, gpa - PAGE, 4));

const high = scenario(
  'space/ram-above-4g',
  'RAM above 4 GiB is as RAM below, up to a hole and behind it',
  {},
  [
    memslot(1, gib(4), 16),
    memslot(2, gib(4) + 0x1_2000n, 16),
    memslot(3, pow2(36) - 16n * PAGE, 16),
    [gib(4), gib(4) + 0xf000n, gib(4) + 0x1_2000n, gib(4) + 0x2_1000n].map((gpa) =>
      touch(gpa, { claims: COHERENT }),
    ),
    touch(pow2(36) - PAGE, { claims: COHERENT, access: 'write', pat: 3 }),
    touch(pow2(36) - 16n * PAGE, { claims: COHERENT, access: 'fetch', pat: 6 }),
    touch(0n, { claims: COHERENT }),
    deleteMemslot(2),
    touch(gib(4) + 0xf000n, { claims: COHERENT }),
    touch(pow2(36) - PAGE, { pat: 3, claims: COHERENT }),
  ],
);

/** One range with each of the addresses as its base: the others stay as they are. */
const alias = (name: string, title: string, gpas: readonly bigint[], maxphyaddr: number): Scenario =>
  scenario(
    `space/${name}`,
    title,
    { needs, maxphyaddr },
    [
      noncoherent(true),
      slotsAt(gpas),
      gpas.map((base) => [
        ...mtrrs({ def: MT.WB, ranges: [[MT.WC, base, PAGE]], by: 'host', maxphyaddr }),
        ...gpas.map((gpa) => touch(gpa, { claims: claim(gpa === base ? 'WC' : 'WB') })),
        touch(base - PAGE, { claims: claim('WB') }),
        touch(base + PAGE, { claims: claim('WB') }),
      ]),
    ].flat(2),
  );

/** A range is moved from one of the addresses to the next while MTRRs are on: KVM drops the leaves of the new one alone. */
const zap = (name: string, title: string, gpas: readonly bigint[], maxphyaddr: number): Scenario =>
  scenario(`space/${name}`, title, { needs, maxphyaddr }, [
    noncoherent(true),
    slotsAt(gpas),
    wrmsr(MSR.PHYSMASK0, physMask(2n * PAGE, maxphyaddr)),
    mtrrs({ def: MT.WT }),
    gpas.flatMap((gpa) => [-1n, 0n, 1n, 2n].map((i) => touch(gpa + i * PAGE))),
    gpas.flatMap((gpa) => [
      wrmsr(MSR.PHYSBASE0, gpa | BigInt(MT.WC)),
      ...[-1n, 0n, 1n, 2n].map((i) => touch(gpa + i * PAGE)),
    ]),
  ]);

const straddle = scenario(
  'space/range-over-4g',
  'A range that begins below 4 GiB and ends above types the pages on both sides of 4 GiB, and a page above its end not',
  { needs },
  [
    noncoherent(true),
    around(1, gib(2)),
    around(2, gib(4)),
    around(3, gib(8)),
    mtrrs({ def: MT.UC, ranges: [[MT.WT, 0n, gib(8)]] }),
    [mib(4), gib(2), gib(4) - PAGE, gib(4), gib(8) - PAGE].map((gpa) => touch(gpa, { claims: claim('WT') })),
    touch(gib(8), { claims: claim('UC') }),
    // The hull of a mask with holes (erratum D4) may begin just below.
    wrmsr(MSR.PHYSBASE0, (gib(4) - PAGE) | BigInt(MT.WC)),
    wrmsr(MSR.PHYSMASK0, physMask(gib(8)) & ~PAGE),
    wrmsr(MSR.DEF_TYPE, defType(MT.UC)),
    touch(gib(4) - 2n * PAGE),
    touch(gib(4) - PAGE),
    touch(gib(4)),
    touch(gib(8) - PAGE),
  ],
);

const lastPage = [36, 39, 40].map((bits) => {
  const end = pow2(bits);
  const at = (ranges: readonly MtrrRange[]): Step[] =>
    mtrrs({ def: MT.WB, ranges, by: 'host', maxphyaddr: bits });
  return scenario(
    `space/last-page-${bits}`,
    `Ranges reach the last page below a MAXPHYADDR of ${bits} bits`,
    { needs, maxphyaddr: bits },
    [
      noncoherent(true),
      memslot(1, end - 4n * PAGE, 4),
      around(2, end / 2n),
      at([[MT.WC, end - PAGE, PAGE]]),
      bothSides(end - PAGE, 'WB', 'WC'),
      at([[MT.WP, end / 2n, end / 2n]]),
      bothSides(end / 2n, 'WB', 'WP'),
      touch(end - PAGE, { claims: claim('WP') }),
      touch(mib(4), { claims: claim('WB') }),
      at([[MT.WT, 0n, end]]),
      touch(end - PAGE, { claims: claim('WT') }),
      touch(mib(4), { claims: claim('WT') }),
      // MTRRs are on: the write drops the leaves from here to the end, and no other.
      wrmsr(MSR.PHYSMASK0 + 2, physMask(2n * PAGE, bits)),
      wrmsr(MSR.PHYSBASE0 + 2, (end - 2n * PAGE) | BigInt(MT.UC)),
      touch(end - PAGE),
      touch(end - 3n * PAGE),
      // So do all leaves where non-coherent DMA that ends or begins drops any.
      noncoherent(false),
      touch(end - PAGE),
      touch(end / 2n),
      noncoherent(true),
      touch(end - PAGE),
      touch(end / 2n),
    ],
  );
});

/** The types of ranges that follow one another: neighbours differ. */
const CYCLE: readonly MemType[] = ['WC', 'WT', 'UC', 'WP'];
const FIRST_BITS = 12;
const cycleType = (bits: number): MemType => CYCLE[bits % CYCLE.length] as MemType;

/** Ranges [2^k, 2^(k+1)), one in each register, from 2^from on; both sides of each border are touched. */
function sizesFrom(from: number, maxphyaddr: number): Step[] {
  const bits = Array.from({ length: VARIABLE_COUNT }, (_, i) => from + i);
  const end = from + VARIABLE_COUNT;
  const typeOf = (k: number): MemType => (k < from || k >= end ? 'WB' : cycleType(k));
  const borders = [...bits, end].filter((k) => k < maxphyaddr && pow2(k) !== BigInt(GUEST_BASE));
  return [
    ...mtrrs({
      def: MT.WB,
      ranges: bits.map((k): MtrrRange => [MT[cycleType(k)], pow2(k), pow2(k)]),
      by: 'host',
      maxphyaddr,
    }),
    ...borders.flatMap((k) => {
      const [below, at] = bothSides(pow2(k), typeOf(k - 1), typeOf(k)) as [Step, Step];
      // The guest itself lives from 16 to 32 MiB.
      return pow2(k) === BigInt(RAM_SIZE) ? [at] : [below, at];
    }),
  ];
}

const sizes = [36, 40].map((bits) => {
  const borders = Array.from({ length: bits }, (_, k) => k).filter((k) => pow2(k) > BigInt(RAM_SIZE));
  return scenario(
    `space/each-size-${bits}`,
    `A range of each size from 4 KiB to half of all addresses, at MAXPHYADDR ${bits}, types its pages from the first to the last`,
    { needs, maxphyaddr: bits },
    [
      noncoherent(true),
      memslot(1, BigInt(RAM_SIZE), 4),
      borders.map((k, i) => around(i + 2, pow2(k))),
      [...Array(Math.ceil((bits - FIRST_BITS) / VARIABLE_COUNT)).keys()].flatMap((i) =>
        sizesFrom(Math.min(FIRST_BITS + i * VARIABLE_COUNT, bits - VARIABLE_COUNT), bits),
      ),
    ],
  );
});

/** The highest address bit that is legal, and the lowest that is not, in a base and a mask. */
const topBits = [36, 40, 48, 52].map((bits) => {
  const top = pow2(bits - 1);
  const above = bits === 52 ? [pow2(52), pow2(63)] : [pow2(bits), pow2(51), pow2(52)];
  const write = (msr: number, value: bigint): Step[] => [
    wrmsr(msr, value),
    rdmsr(msr),
    rdmsr(msr, { by: 'host' }),
  ];
  return scenario(
    `space/maxphyaddr-${bits}`,
    `A guest with ${bits} address bits sets each of them in an MTRR, and none above; low pages stay out of its high ranges`,
    { needs: [...needs, 'known-vendor'], maxphyaddr: bits },
    [
      noncoherent(true),
      write(MSR.PHYSBASE0, top | BigInt(MT.UC)),
      write(MSR.PHYSMASK0, physMask(top, bits)),
      write(MSR.PHYSBASE0 + 2, (pow2(bits) - PAGE) | BigInt(MT.WC)),
      write(MSR.PHYSMASK0 + 2, physMask(PAGE, bits)),
      above.flatMap((bit) => [
        wrmsr(MSR.PHYSBASE0 + 4, bit | BigInt(MT.UC)),
        wrmsr(MSR.PHYSMASK0 + 4, physMask(top, bits) | bit),
        wrmsr(MSR.PHYSMASK0 + 4, physMask(top, bits) | bit, { by: 'host' }),
      ]),
      rdmsr(MSR.PHYSMASK0 + 4),
      wrmsr(MSR.DEF_TYPE, defType(MT.WT)),
      [0n, PAGE, mib(4), mib(8)].map((gpa) => touch(gpa, { claims: claim('WT') })),
    ],
  );
});

const cdHigh = scenario(
  'space/cd-above-4g',
  'CR0.CD decides for pages above 4 GiB as for those below',
  { needs: [...needs, 'quirk-cd-nw-cleared'] },
  [
    { do: 'disable-quirk', quirk: 'cd-nw-cleared' },
    noncoherent(true),
    around(1, gib(8)),
    mtrrs({ def: MT.WT }),
    bothSides(gib(8), 'WT', 'WT'),
    cd(true),
    bothSides(gib(8), 'UC+IPAT', 'UC+IPAT'),
    cd(false),
    bothSides(gib(8), 'WT', 'WT'),
  ],
);

/** Guest memory anywhere below the guest's MAXPHYADDR. */
export const space = [
  high,
  alias(
    'alias-32',
    'A range above 4 GiB leaves the pages alone whose addresses differ from its own above bit 31',
    ALIASES,
    36,
  ),
  alias(
    'alias-36',
    'A range beyond 36 bits leaves the pages alone whose addresses differ from its own above bit 35',
    WIDE_ALIASES,
    40,
  ),
  zap(
    'zap-32',
    'A range that is moved above 4 GiB drops the leaves of its pages, and of no page below',
    ALIASES,
    36,
  ),
  zap(
    'zap-36',
    'A range that is moved beyond 36 bits drops the leaves of its pages, and of no page below',
    WIDE_ALIASES,
    40,
  ),
  straddle,
  ...lastPage,
  ...sizes,
  ...topBits,
  cdHigh,
];
