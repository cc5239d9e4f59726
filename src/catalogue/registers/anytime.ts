import { MT } from '../../arch/memory-types.js';
import { defType, FIXED_MSRS, MSR } from '../../arch/msrs.js';
import { cd, disableQuirk, msrs, noncoherent, scenario, touchNested, wrmsr } from '../../scenario/builder.js';
import type { MsrOp, Step } from '../../scenario/types.js';
import { BASES, bit, distinct, MASKS, reads, span, WRITABLE } from './values.js';

/** All but the default type, by which the MTRRs go on and off. */
const OTHERS = WRITABLE.filter((msr) => msr !== MSR.DEF_TYPE);

const readAll = (vcpu = 0): Step[] => [
  msrs(reads(WRITABLE), { vcpu }),
  msrs(reads(WRITABLE), { vcpu, by: 'host' }),
];

/** Another value in each MSR, the default type as told, and what reads back. */
const rewrite = (set: number, type: bigint): Step[] => {
  const values = OTHERS.map(
    (msr, i): MsrOp => ({ msr, value: distinct(msr, 1 + i + set * WRITABLE.length) }),
  );
  return [msrs([{ msr: MSR.DEF_TYPE, value: type }, ...values]), ...readAll()];
};

const anyState = scenario(
  'msr/any-state',
  'MTRRs and the PAT take writes and read back whether MTRRs are on, caches are off or quirks are disabled',
  { needs: ['known-vendor'], vcpus: 2 },
  [
    rewrite(0, defType(MT.WB)),
    rewrite(1, defType(MT.WC, { fe: true })),
    cd(true),
    rewrite(2, defType(MT.WT)),
    rewrite(3, defType(MT.WT, { e: false, fe: true })),
    cd(false),
    cd(true, { vcpu: 1 }),
    rewrite(4, defType(MT.UC, { e: false })),
    cd(false, { vcpu: 1 }),
    // Each quirk by itself, as far as the kernel has it.
    span(0, 11).map((n) => disableQuirk(2 ** n)),
    rewrite(5, defType(MT.WP)),
    cd(true),
    rewrite(6, defType(MT.WB, { fe: true })),
    msrs(
      OTHERS.map((msr, i) => ({ msr, value: distinct(msr, 300 + i) })),
      { by: 'host' },
    ),
    readAll(),
    readAll(1),
    // What was something can be nothing again.
    msrs(WRITABLE.map((msr) => ({ msr, value: 0n }))),
    readAll(),
  ],
);

/** One MSR of each kind, at both ends. */
const KINDS = [
  MSR.PHYSBASE0,
  MSR.PHYSMASK0 + 14,
  MSR.FIX64K_00000,
  MSR.FIX16K_A0000,
  MSR.FIX4K_F8000,
  MSR.PAT,
];

/** With non-coherent DMA the guest writes one MSR a step. */
const oneByOne = (set: number, type: bigint): Step[] => [
  ...KINDS.map((msr, i) => wrmsr(msr, distinct(msr, 1 + i + set * KINDS.length))),
  wrmsr(MSR.DEF_TYPE, type),
  ...readAll(),
];

const withDma = scenario(
  'msr/with-dma',
  'MTRRs and the PAT take writes and read back while DMA is non-coherent, with CR0.CD set too',
  { needs: ['noncoherent', 'known-vendor'] },
  [
    noncoherent(true),
    oneByOne(0, defType(MT.WB)),
    oneByOne(1, defType(MT.WB, { fe: true })),
    cd(true),
    oneByOne(2, defType(MT.WB)),
    cd(false),
    msrs(
      OTHERS.map((msr, i) => ({ msr, value: distinct(msr, 60 + i) })),
      { by: 'host' },
    ),
    readAll(),
    noncoherent(false),
    readAll(),
  ],
);

const MOST_BITS = 52;
/** Each address bit from the 37th on, in each range. */
const HIGH: readonly MsrOp[] = span(36, MOST_BITS - 1).flatMap((n, i) => [
  { msr: BASES[i % 8] as number, value: bit(n) | bit(20) | BigInt(MT.WT) },
  { msr: MASKS[(i + 3) % 8] as number, value: bit(n) | bit(20) | (i % 2 === 0 ? bit(11) : 0n) },
]);

const highBits = scenario(
  'msr/high-bits',
  'The bases and masks of a guest with 52 address bits take each of them and read back, and fault for those beyond',
  { needs: ['known-vendor'], maxphyaddr: MOST_BITS },
  [
    msrs(HIGH.flatMap((op) => [op, { msr: op.msr }])),
    msrs(HIGH, { by: 'host' }),
    ...readAll(),
    msrs(
      span(MOST_BITS, 63).flatMap((n) => [
        { msr: MSR.PHYSBASE0 + 4, value: bit(n) | BigInt(MT.WB) },
        { msr: MSR.PHYSMASK0 + 4, value: bit(n) | bit(11) },
      ]),
    ),
    readAll(),
  ],
);

const afterNested = scenario(
  'nested/msrs-stay',
  'A guest of the guest runs and ends, and the MTRRs and the PAT of its own host are as before',
  { needs: ['ept-leaves', 'nested'] },
  [
    msrs(WRITABLE.map((msr, i) => ({ msr, value: distinct(msr, 5 + i) }))),
    touchNested(0x40_0000n),
    readAll(),
    msrs([...FIXED_MSRS, MSR.PAT].map((msr, i) => ({ msr, value: distinct(msr, 90 + i) }))),
    touchNested(0x50_0000n, { access: 'write' }),
    readAll(),
  ],
);

/** MSRs take writes and read back whatever else is so. */
export const msrAnytime = [anyState, withDma, highBits, afterNested];
