import fc from 'fast-check';
import { MIB } from '../arch/units.js';
import { memslot } from '../scenario/builder.js';
import type { HostMemoryStep, Step } from '../scenario/types.js';
import type { Place } from './places.js';
import { type Guest, vcpuOf } from './registers.js';

/** Number of a slot that shares the memory of another one, and where it lies. */
const SHARING = { slot: 3, gpa: BigInt(192 * MIB) };
const FAR = BigInt(64 * MIB);

/** The host takes parts of slots' memory away, or lets them only be read. */
const change = (slots: readonly Place[]): fc.Arbitrary<Step[]> =>
  fc
    .record({
      place: fc.constantFrom(...slots),
      op: fc.constantFrom<HostMemoryStep['op']>('discard', 'discard', 'protect', 'unprotect', 'unmap'),
      at: fc.constantFrom(0, 1),
      most: fc.constantFrom(1, 2, 512),
    })
    .map(({ place: { slot, pages, backing }, op, at, most }): Step[] => {
      const unit = backing === 'huge-ram' ? 512 : 1;
      const first = pages > unit ? at * unit : 0;
      const left = Math.max(unit, pages - first);
      return [{ do: 'host-memory', op, slot, first, pages: Math.min(Math.max(most, unit), left) }];
    });

/** A slot lies elsewhere from now on, or where it was. */
const move = (slots: readonly Place[]): fc.Arbitrary<Step[]> =>
  fc
    .record({ place: fc.constantFrom(...slots), isBack: fc.boolean() })
    .map(({ place: { slot, gpa, pages, backing }, isBack }) => {
      const there = gpa >= 2n * FAR ? gpa - FAR : gpa + FAR;
      return [memslot(slot, isBack ? gpa : there, pages, backing)];
    });

/** A second slot over the same memory, and touches of it. */
const share = (guest: Guest, slots: readonly Place[]): fc.Arbitrary<Step[]> =>
  fc
    .record({ place: fc.constantFrom(...slots), readOnly: fc.boolean(), vcpu: vcpuOf(guest) })
    .map(({ place: { slot, backing, offset }, readOnly, vcpu }): Step[] => [
      memslot(SHARING.slot, SHARING.gpa, 1, backing, {
        memoryOf: slot,
        offset,
        ...(readOnly ? { flags: ['readonly'] as const } : {}),
      }),
      { do: 'access', vcpu, gpa: SHARING.gpa, access: 'read', pat: 0 },
    ]);

/** What the host does with the memory of slots, slots that move, and several over one memory. */
export const hostSteps = (guest: Guest, slots: readonly Place[]): fc.WeightedArbitrary<Step[]>[] => [
  { weight: 3, arbitrary: change(slots) },
  { weight: 2, arbitrary: move(slots) },
  { weight: 1, arbitrary: share(guest, slots) },
];

/** Leaves that are made ahead. */
export const prefaultSteps = (guest: Guest): fc.WeightedArbitrary<Step[]>[] => [
  {
    weight: 1,
    arbitrary: fc
      .record({
        vcpu: vcpuOf(guest),
        gpa: fc.constantFrom(...guest.pages),
        pages: fc.constantFrom(1, 2, 8),
      })
      .map((o): Step[] => [{ do: 'pre-fault', ...o }]),
  },
];
