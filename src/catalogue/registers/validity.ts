import { MT } from '../../arch/memory-types.js';
import { FIXED_MSRS, MSR } from '../../arch/msrs.js';
import { msrs, scenario } from '../../scenario/builder.js';
import { GUEST_MAXPHYADDR, type MsrOp } from '../../scenario/types.js';
import {
  ADDRESS_BITS,
  BASES,
  bit,
  byteAmongWb,
  distinct,
  MASKS,
  MTRR_TYPES,
  reads,
  span,
  WRITABLE,
} from './values.js';

const BYTES = span(0, 7);
const BEYOND = span(GUEST_MAXPHYADDR, 63);
/** Types that no MTRR has: all small ones, and one for each higher bit. */
const BAD_TYPES = [2, 3, 7, 8, 14, 0x16, 0x26, 0x46, 0x86, 0xff];
const BAD_PAT_TYPES = [2, 3, 8, 14, 0x16, 0x26, 0x46, 0x86, 0xff];

const writes = (msr: number, values: readonly bigint[]): MsrOp[] => values.map((value) => ({ msr, value }));
const bits = (numbers: readonly number[], base: bigint): bigint[] => numbers.map((n) => base | bit(n));
const bytes = (types: readonly number[]): bigint[] =>
  BYTES.flatMap((at) => types.map((type) => byteAmongWb(at, type)));

/** Every kind of value that the SDM reserves (VALUE_RULES of the model), in one MSR of each kind. */
const BAD: readonly MsrOp[] = [
  ...writes(MSR.DEF_TYPE, BAD_TYPES.map(BigInt)),
  ...writes(MSR.DEF_TYPE, bits([8, 9, ...span(12, 63)], 6n)),
  ...writes(
    MSR.PHYSBASE0 + 6,
    BAD_TYPES.map((type) => bit(20) | BigInt(type)),
  ),
  ...writes(MSR.PHYSBASE0 + 6, bits([...span(8, 11), ...BEYOND], bit(20) | 6n)),
  ...writes(MSR.PHYSMASK0 + 10, bits([...span(0, 10), ...BEYOND], bit(20) | bit(11))),
  ...writes(MSR.FIX16K_A0000, bytes(BAD_TYPES)),
  ...writes(MSR.PAT, bytes(BAD_PAT_TYPES)),
];

/** A few bad values in every other MSR: that it is checked at all, at both ends. */
const BAD_ELSEWHERE: readonly MsrOp[] = [
  ...FIXED_MSRS.flatMap((msr) => writes(msr, [byteAmongWb(0, 2), byteAmongWb(7, 7)])),
  ...BASES.flatMap((msr) => writes(msr, [2n, bit(11), bit(GUEST_MAXPHYADDR), bit(63)])),
  ...MASKS.flatMap((msr) => writes(msr, [1n, bit(10), bit(GUEST_MAXPHYADDR), bit(63)])),
];

/** Every bit and every type that is legal; the MTRRs stay off. */
const GOOD: readonly MsrOp[] = [
  ...MTRR_TYPES.flatMap((type) => writes(MSR.DEF_TYPE, [BigInt(type), bit(10) | BigInt(type)])),
  ...BASES.flatMap((msr) => writes(msr, [0n, ...MTRR_TYPES.map((type) => bit(20) | BigInt(type))])),
  ...writes(MSR.PHYSBASE0 + 2, bits(ADDRESS_BITS, BigInt(MT.WT))),
  ...writes(MSR.PHYSMASK0 + 4, bits(ADDRESS_BITS, bit(11))),
  ...MASKS.flatMap((msr) => writes(msr, [0n, bit(11), bit(12), bit(GUEST_MAXPHYADDR - 1)])),
  ...writes(MSR.FIX4K_D8000, bytes(MTRR_TYPES)),
  ...FIXED_MSRS.flatMap((msr) =>
    writes(
      msr,
      MTRR_TYPES.map((type) => byteAmongWb(3, type)),
    ),
  ),
  ...writes(MSR.PAT, bytes([...MTRR_TYPES, MT['UC-']])),
];

const filled = WRITABLE.map((msr, i): MsrOp => ({ msr, value: distinct(msr, 1 + i) }));
const bad = scenario(
  'msr/reserved',
  'Each reserved bit and each reserved type, in every byte of an MTRR and of the PAT, faults in the guest and changes nothing',
  { needs: ['known-vendor'] },
  [msrs(filled), msrs(BAD), msrs(reads(WRITABLE)), msrs(BAD_ELSEWHERE), msrs(reads(WRITABLE))],
);

const good = scenario(
  'msr/legal',
  'Each legal bit and each legal type of every MTRR and of the PAT is taken, and reads back',
  { needs: ['known-vendor'] },
  [
    msrs(GOOD.flatMap(({ msr, value = 0n }) => [{ msr, value }, { msr }])),
    msrs(GOOD.slice(0, 200), { by: 'host' }),
    msrs(GOOD.slice(200), { by: 'host' }),
    msrs(reads(WRITABLE), { by: 'host' }),
  ],
);

/** Of each kind of reserved value one. */
const BAD_BY_HOST: readonly MsrOp[] = [
  ...writes(MSR.DEF_TYPE, [2n, 7n, ...bits([8, 9, 12, 63], 6n)]),
  ...writes(MSR.PHYSBASE0, [3n, bit(8), bit(11), bit(GUEST_MAXPHYADDR)]),
  ...writes(MSR.PHYSMASK0 + 14, [1n, bit(10), bit(GUEST_MAXPHYADDR), bit(63)]),
  ...writes(MSR.FIX4K_F8000, [byteAmongWb(0, 3), byteAmongWb(7, 7)]),
  ...writes(MSR.PAT, [byteAmongWb(0, 2), byteAmongWb(7, 0x86)]),
];

const byHost = scenario(
  'msr/reserved-by-host',
  'KVM_SET_MSRS refuses what is reserved as a WRMSR of the guest does, and changes nothing',
  { needs: ['known-vendor'] },
  [
    msrs(filled, { by: 'host' }),
    // The legal write behind it is not done.
    ...BAD_BY_HOST.map((op) => msrs([op, { msr: op.msr, value: 0n }], { by: 'host' })),
    msrs(reads(WRITABLE), { by: 'host' }),
  ],
);

const noCpuid = scenario(
  'msr/no-cpuid',
  'A guest whose CPUID has no MTRRs can use them all the same',
  { needs: ['known-vendor'], guestMtrr: false },
  [msrs(filled), msrs([{ msr: MSR.MTRRCAP }, ...reads(WRITABLE)]), msrs(BAD_ELSEWHERE.slice(0, 8))],
);

/** Which values an MSR takes. */
export const msrValidity = [bad, good, byHost, noCpuid];
