import fc from 'fast-check';
import { MT, typeBytes } from '../arch/memory-types.js';
import { defType, FIXED_MSRS, MSR } from '../arch/msrs.js';
import type { FilterRange, MsrOp, MsrsStep, Step } from '../scenario/types.js';
import { type Guest, vcpuOf } from './registers.js';

const MSRS = [MSR.DEF_TYPE, MSR.PAT, MSR.PHYSBASE0, MSR.PHYSMASK0, MSR.PHYSMASK0 + 14, ...FIXED_MSRS];
const TYPES = [MT.UC, MT.WC, MT.WT, MT.WP, MT.WB];

/** A value that some MSR takes, and others refuse. */
const value = fc.oneof(
  fc.constantFrom(...TYPES).map((type) => typeBytes(...new Array<number>(8).fill(type))),
  fc.constantFrom(...TYPES).map((type) => defType(type, { fe: true })),
  fc.constantFrom(0n, 0x800n, 0x40_0006n, 0xf_ffc0_0800n),
);

const write = fc.record({ msr: fc.constantFrom(...MSRS), value });
const read = fc.record({ msr: fc.constantFrom(...MSRS, MSR.MTRRCAP) });
const some = <T extends MsrOp>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(one, { minLength: 2, maxLength: 6 });

/** Several accesses in one go; with non-coherent DMA a guest's writes are left out by the rules. */
const batch = (guest: Guest): fc.Arbitrary<Step[]> =>
  fc
    .record({
      ops: fc.oneof(some<MsrOp>(write), some<MsrOp>(read)),
      by: fc.constantFrom<MsrsStep['by']>('guest', 'host'),
      vcpu: vcpuOf(guest),
    })
    .map((o) => [{ do: 'msrs', ...o }]);

const filterRange: fc.Arbitrary<FilterRange> = fc
  .record({
    base: fc.constantFrom(MSR.PHYSBASE0, MSR.FIX64K_00000, MSR.PAT, MSR.DEF_TYPE),
    count: fc.constantFrom(1, 8, 16, 0x100),
    access: fc.constantFrom<FilterRange['access']>('read', 'write', 'both'),
    allowed: fc.array(fc.nat(15), { maxLength: 3 }),
  })
  .map(({ allowed, ...o }) => ({
    ...o,
    allow: [...new Set(allowed.filter((at) => at < o.count).map((at) => o.base + at))],
  }));

/** A filter; one that denies all but what its ranges are about needs one. */
const filter: fc.Arbitrary<Step[]> = fc
  .record({ deny: fc.boolean(), ranges: fc.array(filterRange, { maxLength: 2 }) })
  .map((o) => [{ do: 'msr-filter', ...o, ...(o.deny && o.ranges.length === 0 ? { result: 'EINVAL' } : {}) }]);

const exits: fc.Arbitrary<Step[]> = fc
  .subarray(['INVAL', 'UNKNOWN', 'FILTER'] as const)
  .map((reasons) => [{ do: 'msr-exits', reasons }]);

/** What a vCPU has is saved, and given to one. */
const restore = (guest: Guest): fc.Arbitrary<Step[]> =>
  fc
    .record({ vcpu: vcpuOf(guest), from: vcpuOf(guest), mtrrs: fc.boolean() })
    .map((o): Step[] => [{ do: 'restore', ...o }]);

/** MSRs in batches, and what becomes of accesses that are refused. */
export const batchSteps = (guest: Guest): fc.WeightedArbitrary<Step[]>[] => [
  { weight: 4, arbitrary: batch(guest) },
  { weight: 1, arbitrary: filter },
  { weight: 1, arbitrary: exits },
  { weight: 1, arbitrary: restore(guest) },
];
