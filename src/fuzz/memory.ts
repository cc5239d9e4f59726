import fc from 'fast-check';
import { MIB, PAGE_SIZE } from '../arch/units.js';
import { clearDirtyLog, deleteMemslot, memslot } from '../scenario/builder.js';
import type { Step } from '../scenario/types.js';
import type { Place } from './places.js';
import { type Guest, vcpuOf } from './registers.js';

export const makeSlot = ({ slot, gpa, pages, backing, offset }: Place, logged: boolean): Step =>
  memslot(slot, gpa, pages, backing, {
    ...(offset === 0 ? {} : { offset }),
    ...(logged ? { flags: ['log-dirty-pages'] as const } : {}),
  });

/** Touch one or two of the pages. */
export const touches = (guest: Guest): fc.Arbitrary<Step[]> =>
  fc
    .array(
      fc.record({
        vcpu: vcpuOf(guest),
        gpa: fc.constantFrom(...guest.pages),
        access: fc.constantFrom('read', 'read', 'write', 'fetch'),
        pat: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(7) }),
      }),
      { minLength: 1, maxLength: 3 },
    )
    .map((all) => all.map((o): Step => ({ do: 'access', ...o })));

/** Touch each of the pages once: what a step did to any of them is seen. */
export const touchAll = (guest: Guest): fc.Arbitrary<Step[]> =>
  fc
    .record({ vcpu: vcpuOf(guest), access: fc.constantFrom('read', 'write') })
    .map((o) => guest.pages.map((gpa): Step => ({ do: 'access', gpa, pat: 0, ...o })));

/**
 * A slot that the guest cannot write, made anew: no slot becomes one. Its pages are read at once. One that was touched before there was a
 * slot may have KVM's entry for MMIO, and handle_ept_misconfig() takes the first access for a read, also where it is a write: it makes
 * a leaf, which the model does not know of.
 */
const readOnly = ({ slot, gpa, pages, backing, offset }: Place): Step[] => [
  deleteMemslot(slot),
  memslot(slot, gpa, pages, backing, { ...(offset === 0 ? {} : { offset }), flags: ['readonly'] }),
  ...[0, pages >> 1, pages - 1].map(
    (page): Step => ({ do: 'access', vcpu: 0, gpa: gpa + BigInt(page * PAGE_SIZE), access: 'read', pat: 0 }),
  ),
];

/** Memslots that come and go, and guest RAM that the host takes back. */
export const slotSteps = (slots: readonly Place[], canDiscard: boolean): fc.WeightedArbitrary<Step[]>[] => [
  { weight: 2, arbitrary: fc.constantFrom(...slots).map((place) => [makeSlot(place, false)]) },
  { weight: 1, arbitrary: fc.constantFrom(...slots).map(({ slot }) => [deleteMemslot(slot)]) },
  { weight: 1, arbitrary: fc.constantFrom(...slots).map(readOnly) },
  ...(canDiscard
    ? [
        {
          weight: 1,
          arbitrary: fc
            .record({
              at: fc.constantFrom(0, 0x9_f000, MIB - 0x1000, 2 * MIB, 4 * MIB + 0x1000),
              pages: fc.constantFrom(1, 2, 512),
            })
            .map(({ at, pages }): Step[] => [{ do: 'discard', gpa: BigInt(at), pages }]),
        },
      ]
    : []),
];

const writeAndRead = ({ slot, gpa }: Place): Step[] => [
  { do: 'access', vcpu: 0, gpa, access: 'write', pat: 0 },
  { do: 'get-dirty-log', slot },
];

/** Dirty logs that begin, are read and cleared in part, and end. */
export const logSteps = (slots: readonly Place[]): fc.WeightedArbitrary<Step[]>[] => [
  {
    weight: 2,
    arbitrary: fc
      .record({ place: fc.constantFrom(...slots), logged: fc.boolean() })
      .map(({ place, logged }): Step[] => [makeSlot(place, logged), ...(logged ? writeAndRead(place) : [])]),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...slots).map(writeAndRead),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ place: fc.constantFrom(...slots), first: fc.constantFrom(0, 64) })
      .map(({ place, first }): Step[] => [
        makeSlot(place, true),
        { do: 'access', vcpu: 0, gpa: place.gpa, access: 'write', pat: 0 },
        clearDirtyLog(
          place.slot,
          first < place.pages ? first : 0,
          place.pages - (first < place.pages ? first : 0),
        ),
        { do: 'get-dirty-log', slot: place.slot },
      ]),
  },
  {
    weight: 1,
    arbitrary: fc.boolean().map((initiallySet): Step[] => [{ do: 'manual-protect', initiallySet }]),
  },
];

export const dmaSteps: fc.WeightedArbitrary<Step[]>[] = [
  { weight: 1, arbitrary: fc.boolean().map((on): Step[] => [{ do: 'noncoherent', on }]) },
];
