import fc from 'fast-check';
import { type MemType, MT } from '../arch/memory-types.js';
import { defType, MSR } from '../arch/msrs.js';
import { GUEST_BASE, type LaneStep, type Step } from '../scenario/types.js';
import { type Guest, vcpuOf } from './registers.js';

/** An INIT, with a SIPI or without, by the VMM or by another vCPU; what the MSRs are then is read. */
export const initSteps = (guest: Guest): fc.WeightedArbitrary<Step[]>[] => [
  {
    weight: 1,
    arbitrary: fc
      .record({
        vcpu: vcpuOf(guest),
        sipi: fc.constantFrom(undefined, 0x08, 0x9a, 0xff),
        by: fc.constantFrom('vmm', 'other'),
        msr: fc.constantFrom(MSR.PAT, MSR.DEF_TYPE, MSR.PHYSBASE0, MSR.PHYSMASK0, MSR.FIX64K_00000),
      })
      .map(({ vcpu, sipi, by, msr }): Step[] => [
        {
          do: 'init',
          vcpu,
          ...(sipi === undefined ? {} : { sipi }),
          ...(by === 'other' && sipi !== undefined && vcpu > 0 ? { from: vcpu - 1 } : {}),
        },
        { do: 'rdmsr', msr, vcpu, by: 'guest' },
      ]),
  },
];

const memType = fc.constantFrom<MemType>('UC', 'WC', 'WT', 'WP', 'WB');

/** A guest of the guest: few leaves of the guest's EPT, which stay as they are. */
export const nestedSteps = (guest: Guest): fc.WeightedArbitrary<Step[]>[] => [
  {
    weight: 4,
    arbitrary: fc
      .record({
        vcpu: vcpuOf(guest),
        gpa: fc.constantFrom(...guest.pages),
        access: fc.constantFrom('read', 'write'),
        size: fc.constantFrom('4K', '4K', '2M'),
        type: memType,
        ipat: fc.boolean(),
      })
      .map((o): Step[] => [{ do: 'nested-access', ...o }]),
  },
  { weight: 1, arbitrary: vcpuOf(guest).map((vcpu): Step[] => [{ do: 'invept', vcpu }]) },
];

/** What one vCPU does beside others: pages that they share, and a default type of its own. */
function laneOf({ pages }: Guest, vcpu: number): fc.Arbitrary<LaneStep[]> {
  const low = pages.filter((gpa) => gpa < BigInt(GUEST_BASE));
  const touch = fc.constantFrom(...low, 0x40_1000n).map(
    (gpa): LaneStep => ({
      do: 'access',
      vcpu,
      gpa,
      access: 'read',
      pat: 0,
    }),
  );
  const write = fc.constantFrom(MT.UC, MT.WT, MT.WB).map(
    (type): LaneStep => ({
      do: 'wrmsr',
      vcpu,
      msr: MSR.DEF_TYPE,
      value: defType(type),
      by: 'guest',
    }),
  );
  const one = fc.oneof({ weight: 3, arbitrary: touch }, { weight: 1, arbitrary: write });
  return fc.array(one, { minLength: 1, maxLength: 6 });
}

/** Steps of two vCPUs at the same time, and of the host's beside them. */
export function raceSteps(guest: Guest): fc.WeightedArbitrary<Step[]>[] {
  const host = fc.subarray<LaneStep>([
    { do: 'noncoherent', on: true },
    { do: 'noncoherent', on: false },
  ]);
  return [
    {
      weight: 1,
      arbitrary: fc
        .record({ seed: fc.nat(1000), first: laneOf(guest, 0), second: laneOf(guest, 1), host })
        .map(({ seed, first, second, host }): Step[] => [
          { do: 'together', seed, steps: [...first, ...second, ...host] },
        ]),
    },
  ];
}
