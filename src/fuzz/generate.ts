import fc from 'fast-check';
import { scenario } from '../scenario/builder.js';
import type { MsrMode, Scenario, Step } from '../scenario/types.js';
import { batchSteps } from './batches.js';
import { hostSteps, prefaultSteps } from './host.js';
import { legal } from './legal.js';
import { askSteps, deviceSteps, GIB_EDGES, gibSteps, mmioSteps, quirkSteps } from './machine.js';
import { dmaSteps, logSteps, makeSlot, slotSteps, touchAll, touches } from './memory.js';
import { type Place, pagesOf, places } from './places.js';
import { cdSteps, enabled, type Guest, mtrrSteps, patSteps } from './registers.js';
import { initSteps, nestedSteps, raceSteps } from './vcpus.js';

/** What random scenarios can be made of beside touches; each a word for `fuzz`. */
export const SUBJECTS = [
  ...(['mtrr', 'pat', 'cd', 'dma', 'slots', 'dirty'] as const),
  ...(['quirk', 'batch', 'host', 'prefault', 'init', 'nested', 'race'] as const),
  ...(['devices', 'mmio', 'gib', 'answers'] as const),
] as const;
export type Subject = (typeof SUBJECTS)[number];

/** Subjects that not every kernel can have, or that keep others out: a scenario has at most one of them, if it has any other. */
const RARE: readonly Subject[] = ['prefault', 'init', 'nested', 'race', 'devices', 'mmio', 'gib', 'answers'];

/** How many steps, or small groups of steps, a scenario is made of at most. */
const MOST_GROUPS = 24;

interface Head {
  vcpus: number;
  msrMode: MsrMode;
  guestMtrr: boolean;
  maxphyaddr: number;
  hugeRam: boolean;
  startCd: boolean;
  hugeSlots: boolean;
}

const HEAD: fc.Arbitrary<Head> = fc.record({
  vcpus: fc.constantFrom(1, 1, 2),
  msrMode: fc.oneof(
    { weight: 14, arbitrary: fc.constant<MsrMode>('kernel') },
    { weight: 1, arbitrary: fc.constantFrom<MsrMode>('filter', 'filter-drop') },
  ),
  guestMtrr: fc.nat(9).map((n) => n > 0),
  maxphyaddr: fc.constantFrom(36, 36, 40, 46, 52),
  hugeRam: fc.constantFrom(false, false, true),
  startCd: fc.constantFrom(false, false, false, true),
  hugeSlots: fc.constantFrom(false, false, true),
});

function stepsOf(
  subject: Subject,
  guest: Guest,
  slots: readonly Place[],
  head: Head,
): fc.WeightedArbitrary<Step[]>[] {
  switch (subject) {
    case 'mtrr':
      return mtrrSteps(guest);
    case 'pat':
      return patSteps(guest);
    case 'cd':
      return cdSteps(guest);
    case 'dma':
      return dmaSteps;
    case 'slots':
      return slotSteps(slots, !head.hugeRam);
    case 'dirty':
      return logSteps(slots);
    case 'quirk':
      return quirkSteps;
    case 'batch':
      return batchSteps(guest);
    case 'host':
      return hostSteps(guest, slots);
    case 'prefault':
      return prefaultSteps(guest);
    case 'init':
      return initSteps(guest);
    case 'nested':
      return nestedSteps(guest);
    case 'race':
      return raceSteps(guest);
    case 'devices':
      return deviceSteps;
    case 'mmio':
      return mmioSteps(guest);
    case 'gib':
      return gibSteps;
    case 'answers':
      return askSteps;
  }
}

/** Each subject as likely as the others, a rare one more so where it is there, however many ways to a step it has; touches as likely as half of all. */
function body(
  guest: Guest,
  slots: readonly Place[],
  head: Head,
  subjects: readonly Subject[],
): fc.Arbitrary<Step[][]> {
  const others = subjects.map((subject) => ({
    weight: RARE.includes(subject) ? 3 : 1,
    arbitrary: fc.oneof(...stepsOf(subject, guest, slots, head)),
  }));
  const touch = fc.oneof(touches(guest), touchAll(guest));
  const one = fc.oneof({ weight: Math.max(1, others.length), arbitrary: touch }, ...others);
  return fc.array(one, { minLength: 3, maxLength: MOST_GROUPS, size: 'max' });
}

const maybe = (steps: fc.Arbitrary<Step[]>): fc.Arbitrary<Step[]> =>
  fc.oneof({ weight: 3, arbitrary: steps }, { weight: 1, arbitrary: fc.constant<Step[]>([]) });

/** What most scenarios begin with: without memory, a device and MTRRs that are on, most of the rest decides nothing. */
function beginning(
  guest: Guest,
  slots: readonly Place[],
  subjects: readonly Subject[],
): fc.Arbitrary<Step[][]> {
  return fc.tuple(
    ...slots.map((place) => maybe(fc.constant([makeSlot(place, false)]))),
    ...(subjects.includes('dma') ? [maybe(fc.constant<Step[]>([{ do: 'noncoherent', on: true }]))] : []),
    ...(subjects.includes('mtrr') ? [maybe(enabled(guest))] : []),
    touchAll(guest),
  );
}

/** A scenario with a rare subject has a step of it. */
const rareSteps = (
  guest: Guest,
  slots: readonly Place[],
  head: Head,
  subjects: readonly Subject[],
): fc.Arbitrary<Step[][]> => {
  const [rare] = subjects.filter((subject) => RARE.includes(subject));
  return rare === undefined ? fc.constant([]) : fc.tuple(fc.oneof(...stepsOf(rare, guest, slots, head)));
};

/** Few pages, so that what a step does to one of them is seen there. */
const FEW = { minLength: 2, maxLength: 6 };

const gibPages = (subjects: readonly Subject[]): fc.Arbitrary<bigint[]> =>
  subjects.includes('gib') ? fc.subarray(GIB_EDGES, { minLength: 1, maxLength: 2 }) : fc.constant([]);

/** What one scenario is about: with a rare subject as often as without, and not the first of these more often. What logs do to a guest of the guest is not known. */
function aboutOf(subjects: readonly Subject[]): fc.Arbitrary<readonly Subject[]> {
  const usual = subjects.filter((subject) => !RARE.includes(subject));
  const rare = subjects.filter((subject) => RARE.includes(subject));
  if (rare.length === 0) return fc.constant(usual);
  const one = fc
    .noBias(fc.constantFrom(...rare))
    .map((subject) => [...usual.filter((other) => subject !== 'nested' || other !== 'dirty'), subject]);
  return usual.length === 0 ? one : fc.oneof(fc.constant(usual), one);
}

/** Two vCPUs, small pages and no filter of the VMM where something is only done with these. */
const fitting = (head: Head, subjects: readonly Subject[]): Head =>
  subjects.includes('race') ? { ...head, vcpus: 2, hugeRam: false, msrMode: 'kernel' } : head;

const arbitrary = (name: string, title: string, all: readonly Subject[]): fc.Arbitrary<Scenario> =>
  fc.tuple(HEAD, aboutOf(all)).chain(([anyHead, subjects]) => {
    const head = fitting(anyHead, subjects);
    return places(head.maxphyaddr, head.hugeSlots).chain((slots) =>
      fc.tuple(fc.subarray(pagesOf(slots), FEW), gibPages(subjects)).chain(([some, more]) => {
        const pages = [...some, ...more];
        const guest = { vcpus: head.vcpus, maxphyaddr: head.maxphyaddr, pages };
        const { hugeSlots: _, ...rest } = head;
        return fc
          .tuple(
            beginning(guest, slots, subjects),
            rareSteps(guest, slots, head, subjects),
            body(guest, slots, head, subjects),
          )
          .map((groups) => scenario(name, title, rest, groups.flat(2)));
      }),
    );
  });

/** How many attempts are made at one scenario. */
const ATTEMPTS = 20;
/** Scenarios of one seed that have seeds of their own; a seed and a number say which scenario it is. */
const SEED_STRIDE = 1_000_003;

/**
 * Random scenario number `n` of a seed: the same at any time and on any machine.
 * @param seed 0 to 2^31 - 1
 * @param n from 0
 */
export function randomScenario(seed: number, n: number, subjects: readonly Subject[] = SUBJECTS): Scenario {
  const title = `Random steps, number ${n} of seed ${seed}`;
  const own = (seed * SEED_STRIDE + n) | 0;
  for (const made of fc.sample(arbitrary(`fuzz/s${seed}-${n}`, title, subjects), {
    seed: own,
    numRuns: ATTEMPTS,
  })) {
    const kept = legal(made);
    if (kept !== undefined) return kept;
  }
  throw new Error(`no legal scenario in ${ATTEMPTS} attempts: seed ${seed}, number ${n}`);
}
