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
  touchMany,
  wrmsr,
} from '../../scenario/builder.js';
import type { Scenario } from '../../scenario/types.js';

const needs = ['ept-leaves', 'noncoherent'] as const;

/** What each era claims for a page whose MTRR type is `mtrr`: A and B obey it, D and E give WB and leave the rest to PAT. */
const claim = (mtrr: string) => ({ A: mtrr, B: mtrr, D: 'WB', E: 'WB' });

/** Touch the pages around both ends of a range. */
const edges = (base: bigint, size: bigint, inside: string, outside: string) => [
  touch(base - 0x1000n, { claims: claim(outside) }),
  touch(base, { claims: claim(inside) }),
  touch(base + size / 2n, { claims: claim(inside) }),
  touch(base + size - 0x1000n, { claims: claim(inside) }),
  touch(base + size, { claims: claim(outside) }),
];

const variable = ([MT.UC, MT.WC, MT.WT, MT.WP, MT.WB] as const).map((type): Scenario => {
  const name = memTypeName(type);
  const def = type === MT.WB ? MT.UC : MT.WB;
  return scenario(
    `mtrr/variable-${name.toLowerCase()}`,
    `A ${name} variable range types its pages, to the last one`,
    { needs },
    [
      noncoherent(true),
      mtrrs({ def, ranges: [[type, mib(4), mib(4)]] }),
      edges(mib(4), mib(4), name, memTypeName(def)),
    ],
  );
});

const defaults = scenario(
  'mtrr/default-type',
  'The default type reaches pages that no range covers',
  { needs },
  [
    noncoherent(true),
    [MT.WT, MT.WC, MT.WP, MT.UC, MT.WB].flatMap((def) => [
      ...mtrrs({ def }),
      touch(mib(3), { claims: claim(memTypeName(def)) }),
      touch(mib(15), { claims: claim(memTypeName(def)) }),
    ]),
  ],
);

const MIXED = typeBytes(MT.UC, MT.WC, MT.WT, MT.WP, MT.WB, MT.UC, MT.WC, MT.WT);
const MIXED_TYPES = ['UC', 'WC', 'WT', 'WP', 'WB', 'UC', 'WC', 'WT'];

/** Each row: unit name, MSR, first gpa and unit size of its eight ranges. */
const FIXED_UNITS = [
  ['64k', MSR.FIX64K_00000, 0n, 0x1_0000n],
  ['16k', MSR.FIX16K_A0000, 0xa_0000n, 0x4000n],
  ['4k', MSR.FIX4K_C0000, 0xc_0000n, 0x1000n],
] as const;

const fixed = FIXED_UNITS.map(([unit, msr, base, size]) =>
  scenario(`mtrr/fixed-${unit}`, `Each byte of a fixed-range MTRR types its own ${unit} unit`, { needs }, [
    noncoherent(true),
    mtrrs({ def: MT.WB, fe: true, fixed: [[msr, MIXED]] }),
    MIXED_TYPES.map((type, i) => touch(base + BigInt(i) * size, { claims: claim(type) })),
    touch(base + 8n * size - 0x1000n, { claims: claim('WT') }),
  ]),
);

const fixedOverVariable = scenario(
  'mtrr/fixed-over-variable',
  'Fixed ranges win over variable ones below 1 MiB',
  { needs },
  [
    noncoherent(true),
    mtrrs({
      def: MT.WB,
      fe: true,
      fixed: [[MSR.FIX64K_00000, typeBytes(MT.WT)]],
      ranges: [[MT.UC, 0n, mib(2)]],
    }),
    touch(0n, { claims: claim('WT') }),
    touch(0x7_f000n, { claims: claim('WT') }),
    touch(mib(1), { claims: claim('UC') }),
  ],
);

const fixedDisabled = scenario(
  'mtrr/fixed-disabled',
  'With FE=0 variable ranges rule below 1 MiB too',
  { needs },
  [
    noncoherent(true),
    mtrrs({
      def: MT.WB,
      fe: false,
      fixed: [[MSR.FIX64K_00000, typeBytes(MT.WT)]],
      ranges: [[MT.WC, 0n, mib(1)]],
    }),
    touch(0n, { claims: claim('WC') }),
    touch(0xf_f000n, { claims: claim('WC') }),
    touch(mib(1), { claims: claim('WB') }),
  ],
);

const disabled = scenario('mtrr/disabled', 'With MTRRs disabled every page is uncached', { needs }, [
  noncoherent(true),
  wrmsr(MSR.DEF_TYPE, defType(MT.WB, { e: false, fe: true })),
  touch(0n, { claims: claim('UC') }),
  touch(mib(4), { claims: claim('UC') }),
  touchMany(mib(8), 4),
]);

const noCpuid = scenario(
  'mtrr/no-cpuid',
  'Disabled MTRRs of a guest whose CPUID has none leave pages write-back',
  {
    needs,
    guestMtrr: false,
  },
  [noncoherent(true), touch(0n, { claims: claim('WB') }), touch(mib(4), { claims: claim('WB') })],
);

/** Each row: name, title, ranges, and pages with the type eras A and B give them. */
const OVERLAPS: readonly (readonly [
  string,
  string,
  readonly MtrrRange[],
  readonly (readonly [bigint, string])[],
])[] = [
  [
    'd1-uc-above',
    'A UC range at the higher base loses to a WB range below it in eras A and B (erratum D1)',
    [
      [MT.WB, 0n, mib(16)],
      [MT.UC, mib(12), mib(4)],
    ],
    [
      [mib(11), 'WB'],
      [mib(12), 'WB'],
      [mib(15), 'WB'],
    ],
  ],
  [
    'uc-below',
    'A UC range at the lower base wins over a WB range',
    [
      [MT.UC, 0n, mib(16)],
      [MT.WB, mib(8), mib(8)],
    ],
    [
      [mib(7), 'UC'],
      [mib(8), 'UC'],
      [mib(15), 'UC'],
    ],
  ],
  [
    'wt-wb',
    'Write-through wins over write-back',
    [
      [MT.WB, 0n, mib(16)],
      [MT.WT, mib(8), mib(8)],
    ],
    [
      [mib(7), 'WB'],
      [mib(8), 'WT'],
      [mib(15), 'WT'],
    ],
  ],
  [
    'd2-wc-wb',
    'An overlap that the SDM leaves undefined is write-back in eras A and B (erratum D2)',
    [
      [MT.WB, 0n, mib(16)],
      [MT.WC, mib(8), mib(8)],
    ],
    [
      [mib(7), 'WB'],
      [mib(8), 'WB'],
    ],
  ],
];

const overlaps = OVERLAPS.map(([name, title, ranges, pages]) =>
  scenario(`mtrr/overlap-${name}`, title, { needs }, [
    noncoherent(true),
    mtrrs({ def: MT.WT, ranges }),
    pages.map(([gpa, type]) => touch(gpa, { claims: claim(type) })),
  ]),
);

const d3 = scenario(
  'mtrr/d3-base-not-masked',
  'Eras A and B do not mask PHYSBASE, so a misaligned base cuts the range (erratum D3)',
  {
    needs,
  },
  [
    noncoherent(true),
    mtrrs({ def: MT.WB, ranges: [[MT.WC, mib(4) + 0x1000n, mib(1)]] }),
    touch(mib(4), { claims: claim('WB') }),
    touch(mib(4) + 0x1000n, { claims: claim('WC') }),
    touch(mib(5) - 0x1000n, { claims: claim('WC') }),
    touch(mib(5), { claims: claim('WB') }),
  ],
);

const d4 = scenario(
  'mtrr/d4-discontiguous-mask',
  'Eras A and B take a discontiguous mask as its hull (erratum D4)',
  { needs },
  [
    noncoherent(true),
    wrmsr(MSR.DEF_TYPE, defType(MT.WB, { e: false })),
    wrmsr(MSR.PHYSBASE0, mib(4) | BigInt(MT.WC)),
    wrmsr(MSR.PHYSMASK0, physMask(mib(4)) | 0x1000n),
    wrmsr(MSR.DEF_TYPE, defType(MT.WB)),
    touch(mib(4), { claims: claim('WC') }),
    touch(mib(6) + 0x1000n, { claims: claim('WC') }),
    touch(mib(8) - 0x2000n, { claims: claim('WC') }),
    touch(mib(8) - 0x1000n, { claims: claim('WB') }),
  ],
);

const d5 = scenario(
  'mtrr/d5-base-before-mask',
  'In eras A and B a PHYSBASE without its PHYSMASK zaps nothing, and the kernel may warn (erratum D5)',
  { needs },
  [
    noncoherent(true),
    wrmsr(MSR.DEF_TYPE, defType(MT.WB)),
    touch(mib(4), { claims: claim('WB') }),
    wrmsr(MSR.PHYSBASE0, mib(4) | BigInt(MT.UC)),
    touch(mib(4), { claims: claim('WB') }),
    wrmsr(MSR.PHYSMASK0, physMask(mib(4))),
    touch(mib(4), { claims: claim('UC') }),
  ],
);

const shrink = scenario(
  'mtrr/s6-shrink',
  'Shrinking an enabled range zaps only the new range in eras A and B (stale case s6)',
  { needs },
  [
    noncoherent(true),
    mtrrs({ def: MT.WB, ranges: [[MT.UC, mib(4), mib(4)]] }),
    touch(mib(4), { claims: claim('UC') }),
    touch(mib(7), { claims: claim('UC') }),
    wrmsr(MSR.PHYSMASK0, physMask(mib(2))),
    touch(mib(4), { claims: claim('UC') }),
    touch(mib(7)),
    wrmsr(MSR.DEF_TYPE, defType(MT.WB)),
    touch(mib(7), { claims: claim('WB') }),
  ],
);

const byHost = scenario(
  'mtrr/by-host',
  'KVM_SET_MSRS has the same effect as the guest’s own writes',
  { needs },
  [
    noncoherent(true),
    touchMany(mib(4), 2),
    mtrrs({ def: MT.WB, ranges: [[MT.WT, mib(4), mib(4)]], by: 'host' }),
    edges(mib(4), mib(4), 'WT', 'WB'),
  ],
);

/** Guest MTRRs once DMA is non-coherent. */
export const mtrr = [
  ...variable,
  defaults,
  ...fixed,
  fixedOverVariable,
  fixedDisabled,
  disabled,
  noCpuid,
  ...overlaps,
  d3,
  d4,
  d5,
  shrink,
  byHost,
];
