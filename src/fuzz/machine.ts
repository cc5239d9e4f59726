import fc from 'fast-check';
import type { CountedWay } from '../arch/dma-ways.js';
import * as caps from '../arch/kvm-caps.js';
import { MSR_BY_NAME } from '../arch/msrs.js';
import type { Question } from '../arch/questions.js';
import { MIB } from '../arch/units.js';
import { ask, deleteMemslot, disableQuirk, memslot } from '../scenario/builder.js';
import type { MemslotFlag, Step } from '../scenario/types.js';
import { type Guest, vcpuOf } from './registers.js';

const QUIRKS = [0, 0x1, 0x2, 0x80, 0x200, 0x202, 0x4000_0001];

/** Quirks that are disabled by number, which no kernel need have, by either capability. */
export const quirkSteps: fc.WeightedArbitrary<Step[]>[] = [
  {
    weight: 1,
    arbitrary: fc
      .record({ quirk: fc.noBias(fc.constantFrom(...QUIRKS)), old: fc.nat(3) })
      .map(({ quirk, old }): Step[] => [disableQuirk(quirk, old === 0 ? { old: true } : {})]),
  },
];

/** What KVM can be asked, and about what. */
const QUESTIONS: readonly (readonly [Question, readonly number[]])[] = [
  ['extension', Object.values(caps)],
  ['vm-extension', Object.values(caps)],
  [
    'extension-arguments',
    [caps.KVM_CAP_DISABLE_QUIRKS2, caps.KVM_CAP_X86_USER_SPACE_MSR, caps.KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2],
  ],
  ['saved-msr', [...MSR_BY_NAME.values()]],
  ['feature-msr', [...MSR_BY_NAME.values()]],
  ['kept-msr', [...MSR_BY_NAME.values()]],
  ['supported-cpuid', [1, 0x8000_0008]],
  ['device-types', [0]],
  ['vfio-attributes', [0, 1, 2]],
  ['vfio-misuse', [0]],
  ['filter-misuse', [0]],
  ['memslot-flags', [0]],
];

/** Each kind of question as often as the others. */
export const askSteps: fc.WeightedArbitrary<Step[]>[] = QUESTIONS.map(([of, numbers]) => ({
  weight: 1,
  arbitrary: fc.noBias(fc.constantFrom(...numbers)).map((number): Step[] => [ask(of, number)]),
}));

/** Ways that a machine of the lab has at once; the PCI function is there only once. */
const DEVICES: readonly (readonly [string, CountedWay])[] = [
  ['a', 'vfio-noiommu'],
  ['b', 'vfio-mdev'],
  ['c', 'vfio-mdev'],
];

/** Several devices with non-coherent DMA, by their names. */
export const deviceSteps: fc.WeightedArbitrary<Step[]>[] = [
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...DEVICES)
      .map(([device, via]): Step[] => [{ do: 'noncoherent', on: true, via, device }]),
  },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(...DEVICES)
      .map(([device]): Step[] => [{ do: 'noncoherent', on: false, device }]),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...DEVICES)
      .map(([device]): Step[] => [{ do: 'noncoherent', on: true, device, again: true }]),
  },
  {
    weight: 1,
    arbitrary: fc.constant<Step[]>([{ do: 'noncoherent', on: false, close: true }]),
  },
];

/** Where a PCI BAR lies, if one does. */
const BAR = { slot: 5, gpa: 0xe000_0000n, pages: 4 };
const BAR_PAGES = [BAR.gpa, BAR.gpa + 0x3000n];

/** A PCI BAR as a memslot. */
export const mmioSteps = (guest: Guest): fc.WeightedArbitrary<Step[]>[] => [
  {
    weight: 1,
    arbitrary: fc.constantFrom([memslot(BAR.slot, BAR.gpa, BAR.pages, 'pci-bar')], [deleteMemslot(BAR.slot)]),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ gpa: fc.constantFrom(...BAR_PAGES), vcpu: vcpuOf(guest), pat: fc.nat(7) })
      .map((o): Step[] => [{ do: 'access', access: 'read', ...o }]),
  },
];

/** The page of 1 GiB as a memslot, in whole or in part. */
const GIB_SLOT = 6;
const GIB_PAGES = 0x4_0000;
const LARGE = 512;
const LOW = 2048 * MIB;
const HIGH = 3072 * MIB;
const GIB_PLACES: readonly (readonly [at: number, pages: number, offset: number])[] = [
  [LOW, GIB_PAGES, 0],
  [LOW, GIB_PAGES, 0],
  [LOW, GIB_PAGES - 1, 0],
  [LOW + 2 * MIB, GIB_PAGES - LARGE, LARGE],
  [LOW + 2 * MIB, GIB_PAGES, 0],
];

/** Pages of it that are touched beside others. */
export const GIB_EDGES = [LOW, LOW + 2 * MIB - 0x1000, LOW + 514 * MIB, HIGH - 2 * MIB, HIGH - 0x1000].map(
  BigInt,
);

export const gibSteps: fc.WeightedArbitrary<Step[]>[] = [
  {
    weight: 1,
    arbitrary: fc
      .record({
        place: fc.constantFrom(...GIB_PLACES),
        flags: fc.constantFrom<MemslotFlag[]>([], [], ['readonly']),
      })
      .map(({ place: [at, pages, offset], flags }): Step[] => [
        deleteMemslot(GIB_SLOT),
        memslot(GIB_SLOT, BigInt(at), pages, 'gib-ram', { ...(offset === 0 ? {} : { offset }), flags }),
        ...GIB_EDGES.map((gpa): Step => ({ do: 'access', vcpu: 0, gpa, access: 'read', pat: 0 })),
      ]),
  },
];
