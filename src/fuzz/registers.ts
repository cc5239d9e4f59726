import fc from 'fast-check';
import { MT, typeBytes } from '../arch/memory-types.js';
import { addressMask, defType, FIXED_MSRS, MSR, PHYSMASK_VALID, VARIABLE_COUNT } from '../arch/msrs.js';
import { MIB } from '../arch/units.js';
import { mtrrs, wrmsr } from '../scenario/builder.js';
import type { Actor, Step } from '../scenario/types.js';

/** What the registers of a scenario's guests are about. */
export interface Guest {
  vcpus: number;
  maxphyaddr: number;
  /** Pages that are touched: what ranges are laid around. */
  pages: readonly bigint[];
}

/** Encodings of the types that an MTRR takes. */
const MTRR_TYPES = [MT.UC, MT.WC, MT.WT, MT.WP, MT.WB];
const type = fc.constantFrom(...MTRR_TYPES);
const actor = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Actor>('guest') },
  { weight: 1, arbitrary: fc.constant<Actor>('host') },
);
const bytes = (one: fc.Arbitrary<number>): fc.Arbitrary<bigint> =>
  fc.array(one, { minLength: 8, maxLength: 8 }).map((types) => typeBytes(...types));

export const vcpuOf = ({ vcpus }: Guest): fc.Arbitrary<number> => fc.nat(vcpus - 1);

/** A range of a power of two around one of the pages, from a page to all there is. */
const range = ({ pages, maxphyaddr }: Guest): fc.Arbitrary<{ base: bigint; size: bigint }> =>
  fc
    .record({
      page: fc.constantFrom(...pages),
      bits: fc.oneof(
        fc.constantFrom(12, 13, 16, 20, 21, 22, 30, 32),
        fc.integer({ min: 12, max: maxphyaddr }),
      ),
    })
    .map(({ page, bits }) => {
      const size = 1n << BigInt(Math.min(bits, maxphyaddr));
      return { base: page & ~(size - 1n), size };
    });

const isOn = fc.oneof(
  { weight: 4, arbitrary: fc.constant(true) },
  { weight: 1, arbitrary: fc.constant(false) },
);

/** One MSR of a variable range, as a guest writes them one by one. */
const variable = (guest: Guest): fc.Arbitrary<Step[]> =>
  fc
    .record({
      n: fc.constantFrom(0, 0, 1, 1, 2, VARIABLE_COUNT - 1),
      at: range(guest),
      type,
      isOn,
      which: fc.constantFrom('base', 'mask', 'both'),
      vcpu: vcpuOf(guest),
      by: actor,
    })
    .map(({ n, at, type, isOn, which, vcpu, by }) => {
      const base = wrmsr(MSR.PHYSBASE0 + 2 * n, at.base | BigInt(type), { vcpu, by });
      const mask = wrmsr(
        MSR.PHYSMASK0 + 2 * n,
        addressMask(at.size, guest.maxphyaddr) | (isOn ? PHYSMASK_VALID : 0n),
        { vcpu, by },
      );
      return { base: [base], mask: [mask], both: [base, mask] }[which] ?? [];
    });

/** The fixed-range MSR that holds the type of a page below 1 MiB (SDM, "Fixed Range MTRRs"). */
function fixedMsrOf(page: bigint): number {
  const at = Number(page);
  if (at < 0x8_0000) return MSR.FIX64K_00000;
  if (at < 0xc_0000) return at < 0xa_0000 ? MSR.FIX16K_80000 : MSR.FIX16K_A0000;
  return MSR.FIX4K_C0000 + ((at - 0xc_0000) >> 15);
}

/** Fixed-range MSRs of the pages below 1 MiB, or any. */
function fixedMsrs({ pages }: Guest): readonly number[] {
  const low = pages.filter((page) => page < BigInt(MIB)).map(fixedMsrOf);
  return low.length > 0 ? low : FIXED_MSRS;
}

const fixed = (guest: Guest): fc.Arbitrary<Step[]> =>
  fc
    .record({
      msr: fc.noBias(fc.constantFrom(...fixedMsrs(guest))),
      value: bytes(type),
      vcpu: vcpuOf(guest),
      by: actor,
    })
    .map(({ msr, value, ...o }) => [wrmsr(msr, value, o)]);

const defaultType = (guest: Guest): fc.Arbitrary<Step[]> =>
  fc
    .record({ type, e: isOn, fe: fc.boolean(), vcpu: vcpuOf(guest), by: actor })
    .map(({ type, e, fe, ...o }) => [wrmsr(MSR.DEF_TYPE, defType(type, { e, fe }), o)]);

/** MTRRs that are on. */
export const enabled = (guest: Guest): fc.Arbitrary<Step[]> =>
  fc
    .record({ type, fe: fc.boolean(), vcpu: vcpuOf(guest) })
    .map(({ type, fe, ...o }) => [wrmsr(MSR.DEF_TYPE, defType(type, { fe }), o)]);

/** A whole update, as the SDM asks for it. */
const update = (guest: Guest): fc.Arbitrary<Step[]> =>
  fc
    .record({
      def: type,
      fe: fc.boolean(),
      ranges: fc.array(fc.tuple(type, range(guest)), { maxLength: 3 }),
      vcpu: vcpuOf(guest),
      by: actor,
    })
    .map(({ ranges, ...o }) =>
      mtrrs({
        ...o,
        maxphyaddr: guest.maxphyaddr,
        ranges: ranges.map(([type, { base, size }]) => [type, base, size]),
      }),
    );

/** Any value for any of these MSRs: most are refused. */
const anyValue = (guest: Guest): fc.Arbitrary<Step[]> =>
  fc
    .record({
      msr: fc.constantFrom(MSR.DEF_TYPE, MSR.PHYSBASE0, MSR.PHYSMASK0 + 14, ...FIXED_MSRS),
      value: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      bit: fc.nat(63),
      single: fc.boolean(),
      vcpu: vcpuOf(guest),
      by: actor,
    })
    .map(({ msr, value, bit, single, ...o }) => [wrmsr(msr, single ? 6n ^ (1n << BigInt(bit)) : value, o)]);

const rdmsr = (guest: Guest): fc.Arbitrary<Step[]> =>
  fc
    .record({
      msr: fc.constantFrom(MSR.PHYSBASE0, MSR.PHYSMASK0 + 2, MSR.DEF_TYPE, MSR.MTRRCAP, ...FIXED_MSRS),
      vcpu: vcpuOf(guest),
      by: actor,
    })
    .map((o) => [{ do: 'rdmsr', ...o }]);

/** What guests and VMMs do with MTRRs, and how often. */
export const mtrrSteps = (guest: Guest): fc.WeightedArbitrary<Step[]>[] => [
  { weight: 6, arbitrary: variable(guest) },
  { weight: 3, arbitrary: fixed(guest) },
  { weight: 3, arbitrary: defaultType(guest) },
  { weight: 2, arbitrary: update(guest) },
  { weight: 1, arbitrary: anyValue(guest) },
  { weight: 1, arbitrary: rdmsr(guest) },
];

/** Writes of the PAT, some of which are refused, and reads. */
export const patSteps = (guest: Guest): fc.WeightedArbitrary<Step[]>[] => [
  {
    weight: 2,
    arbitrary: fc
      .record({
        value: fc.oneof(
          { weight: 4, arbitrary: bytes(fc.constantFrom(...Object.values(MT))) },
          { weight: 1, arbitrary: bytes(fc.nat(9)) },
        ),
        vcpu: vcpuOf(guest),
        by: actor,
      })
      .map(({ value, ...o }) => [wrmsr(MSR.PAT, value, o)]),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ vcpu: vcpuOf(guest), by: actor })
      .map((o) => [{ do: 'rdmsr', msr: MSR.PAT, ...o }]),
  },
];

export const cdSteps = (guest: Guest): fc.WeightedArbitrary<Step[]>[] => [
  {
    weight: 1,
    arbitrary: fc
      .record({ vcpu: vcpuOf(guest), on: fc.boolean(), by: actor, nw: fc.boolean() })
      .map(({ nw, ...o }) => [{ do: 'cd', ...o, ...(nw && o.on ? { nw } : {}) }]),
  },
];
