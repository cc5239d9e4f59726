import { FIXED_MSRS, MSR } from '../../arch/msrs.js';
import { ask, msrExits, msrFilter, msrs, scenario } from '../../scenario/builder.js';
import type { FilterRange, MsrExitReason, MsrOp, Step } from '../../scenario/types.js';
import { BASES, bit, distinct, reads, span, WRITABLE } from './values.js';

const needs = ['known-vendor'] as const;
const range = (
  base: number,
  count: number,
  access: FilterRange['access'] = 'both',
  allow: readonly number[] = [],
): FilterRange => ({ base, count, access, allow });

/** A legal write, another one with each `n`. */
const write = (msr: number, n: number): MsrOp => ({ msr, value: distinct(msr, n) });
const ALL: readonly MsrExitReason[] = ['INVAL', 'UNKNOWN', 'FILTER'];

/** One access of each kind: refused for every reason, by either instruction, and taken. */
const KINDS: readonly MsrOp[] = [
  { msr: MSR.DEF_TYPE, value: 7n },
  { msr: MSR.PAT, value: bit(63) | 0x0007_0406_0007_0406n },
  { msr: MSR.PHYSMASK0 + 2, value: bit(36) },
  { msr: MSR.MTRRCAP, value: 0xfedc_ba98_7654_3210n },
  { msr: 0x210 },
  { msr: 0x251, value: 0x0123_4567_89ab_cdefn },
  { msr: 0x278 },
  { msr: 0x2fe, value: 0xffff_ffff_0000_0000n },
  { msr: 0x1ff },
  { msr: MSR.FIX64K_00000 },
  { msr: MSR.FIX64K_00000, value: 0x0605_0401_0006_0504n },
  { msr: MSR.FIX64K_00000, value: 2n },
  { msr: MSR.FIX16K_80000 },
  { msr: MSR.FIX16K_80000, value: 0n },
];

const MASKS: readonly (readonly MsrExitReason[])[] = [
  ['INVAL'],
  ['UNKNOWN'],
  ['FILTER'],
  [],
  ['INVAL', 'FILTER'],
  ['UNKNOWN', 'FILTER'],
  ['INVAL', 'UNKNOWN'],
  ALL,
];

const exits = scenario(
  'filter/exits',
  'A refused access exits for just the reasons that were asked for, and tells the MSR, the direction and the value; else it faults',
  { needs, vcpus: 2 },
  [
    msrFilter([range(MSR.FIX64K_00000, 1)]),
    MASKS.flatMap((reasons, i) => [msrExits(...reasons), msrs(KINDS, { vcpu: i % 2 })]),
    [0, 1].map((vcpu) => msrs(reads(WRITABLE), { vcpu, by: 'host' })),
  ],
);

/** What is denied in one direction passes in the other. */
const ONE_WAY: readonly FilterRange[] = [
  range(MSR.PHYSBASE0, 2, 'read'),
  range(MSR.PHYSBASE0 + 2, 2, 'write'),
  range(MSR.PAT, 1, 'read'),
  range(MSR.DEF_TYPE, 1, 'write'),
  // The first range that is about an access decides.
  range(MSR.FIX4K_C0000, 1, 'read', [MSR.FIX4K_C0000]),
  range(MSR.FIX4K_C0000, 8, 'both'),
  range(MSR.FIX4K_C0000, 8, 'both', FIXED_MSRS.slice(3)),
];

const directions = scenario(
  'filter/directions',
  'A filter of reads lets writes pass, one of writes lets reads pass, and neither is about the host',
  { needs },
  [
    msrExits(...ALL),
    msrFilter(ONE_WAY),
    msrs(WRITABLE.flatMap((msr, i) => [write(msr, 1 + i), { msr }])),
    msrs(reads(WRITABLE), { by: 'host' }),
    msrs(
      WRITABLE.map((msr, i) => write(msr, 40 + i)),
      { by: 'host' },
    ),
    msrs(reads(WRITABLE)),
  ],
);

/** Sixteen ranges, as many as there may be; of each the first MSR passes, or the last. */
const SIXTEEN: readonly FilterRange[] = [
  ...BASES.map((base, n) => range(base, 2, 'both', [base + (n % 2)])),
  range(MSR.FIX64K_00000, 8, 'both', [MSR.FIX64K_00000]),
  range(MSR.FIX16K_80000, 2, 'both', [MSR.FIX16K_A0000]),
  range(MSR.FIX4K_C0000, 3, 'both', [MSR.FIX4K_C8000]),
  range(MSR.FIX4K_D8000, 5, 'both', [MSR.FIX4K_D8000, MSR.FIX4K_F8000]),
  range(0x270, 7, 'both', [0x276]),
  range(0x278, 8, 'both', [0x278]),
  range(MSR.MTRRCAP, 1),
  range(MSR.DEF_TYPE, 1),
];

/** One range over all MTRRs, whose bitmap has many bytes: every third MSR passes. */
const WIDE = range(
  0x1f1,
  0x110,
  'both',
  span(0x1f1, 0x300).filter((msr) => msr % 3 === 0),
);
const NEAR = [
  0xfe,
  0x1ff,
  ...span(0x200, 0x211),
  ...span(0x24f, 0x251),
  ...span(0x257, 0x25a),
  ...span(0x267, 0x27f),
].concat([0x2fe, 0x2ff, 0x300]);

/** Read and write every MSR, and those between them. */
const tryAll = (n: number): Step[] => [
  msrs([...reads(NEAR), ...WRITABLE.map((msr, i) => write(msr, n + i))]),
  msrs(reads(WRITABLE), { by: 'host' }),
];

const ranges = scenario(
  'filter/ranges',
  'Sixteen ranges, and one over many bytes of its bitmap, deny each their own MSRs to the first and the last',
  { needs },
  [msrExits(...ALL), msrFilter(SIXTEEN), tryAll(1), msrFilter([WIDE]), tryAll(31), msrFilter([]), tryAll(61)],
);

const defaults = scenario(
  'filter/default-deny',
  'A filter that denies by default lets pass what its ranges allow, and KVM refuses a filter that is none and keeps the old one',
  { needs },
  [
    msrExits('FILTER'),
    msrFilter([range(0x200, 0x60, 'write', BASES), range(0x250, 0x30, 'read', FIXED_MSRS)], { deny: true }),
    tryAll(1),
    msrFilter([], { deny: true, result: 'EINVAL' }),
    msrFilter([range(0x200, 0x3001)], { result: 'EINVAL' }),
    msrFilter([range(MSR.PAT, 1), range(0x200, 0x3001)], { result: 'EINVAL' }),
    tryAll(31),
    msrFilter([range(0, 0x3000, 'both', WRITABLE)], { deny: true }),
    tryAll(61),
    msrFilter([range(MSR.PAT, 1, 'read', [MSR.PAT])], { deny: true }),
    tryAll(91),
  ],
);

const misuse = scenario('filter/misuse', 'KVM takes no filter with flags that there are not', { needs: [] }, [
  ask('filter-misuse'),
]);

/** KVM's filter of MSRs, and its exits to user space. */
export const msrFilters = [exits, directions, ranges, defaults, misuse];
