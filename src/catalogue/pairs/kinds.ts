import { scenario } from '../../scenario/builder.js';
import type { Need, Scenario } from '../../scenario/types.js';
import { stepsOf } from './moves.js';

/** A sort of walk: how its machine begins, and what it may be made of. */
export interface WalkKind {
  name: string;
  title: string;
  /** Beside those of every walk. */
  needs?: readonly Need[];
  startCd?: boolean;
  hugeRam?: boolean;
  /** The change that makes its memslots. */
  setup: 'slots' | 'plain-slots';
  /** How it touches pages, as the first letters of moves. */
  touches: string;
  /** The moves that it begins with. */
  begin: readonly string[];
  /** Changes that it does without. */
  never: readonly string[];
}

const NEEDS: readonly Need[] = ['ept-leaves', 'noncoherent', 'huge-pages', 'pci-bar', 'quirk-cd-nw-cleared'];
const PAT = 'quirk-ignore-guest-pat';
const L1 = { setup: 'slots', touches: 'rwx' } as const;
const L2 = { setup: 'plain-slots', touches: 'rwxnm' } as const;
/** One page of each sort. */
const EACH = ['first', 'low-2', 'ro', 'high', 'large', 'dev', 'log', 'small'].map((page) => `r0.${page}`);

/** All walks, in the order in which they take what the ones before have left. */
export const KINDS: readonly WalkKind[] = [
  {
    ...L1,
    name: 'early',
    title: 'A device that is there from the first, and everything else that changes',
    begin: ['dma+'],
    never: ['dma-', 'quirk-pat'],
  },
  {
    ...L1,
    name: 'late',
    title: 'A device that comes and goes, between everything else that changes',
    begin: [],
    never: ['quirk-pat'],
  },
  {
    ...L1,
    name: 'quirk',
    title: 'Leaves of each sort from before IGNORE_GUEST_PAT was disabled, through all that changes',
    needs: [PAT],
    begin: ['slots', ...EACH, 'x1.low', 'quirk-pat'],
    never: [],
  },
  {
    ...L1,
    name: 'cd',
    title: 'CR0.CD that is set from the start, on two vCPUs',
    startCd: true,
    begin: [],
    never: ['quirk-pat'],
  },
  {
    ...L1,
    name: 'huge-ram',
    title: 'Guest RAM in large pages, the first mebibyte included',
    hugeRam: true,
    begin: [],
    never: ['quirk-pat', 'discard', 'discard-first', 'discard-other'],
  },
  {
    ...L1,
    name: 'quirk-early',
    title: 'IGNORE_GUEST_PAT is disabled while a device is there',
    needs: [PAT],
    begin: ['dma+', 'r0.low', 'quirk-pat'],
    never: [],
  },
  {
    ...L2,
    name: 'nested',
    title: 'A guest of the guest, through all that changes',
    needs: ['nested'],
    begin: [],
    never: ['quirk-pat', 'log'],
  },
];

/** The scenario of a walk that takes these moves. */
export function walkScenario(
  kind: Pick<WalkKind, 'name' | 'title' | 'needs' | 'startCd' | 'hugeRam'>,
  moves: readonly string[],
): Scenario {
  const { name, title, needs = [], startCd = false, hugeRam = false } = kind;
  const options = { needs: [...NEEDS, ...needs], vcpus: 2, startCd, hugeRam };
  return scenario(`pairs/${name}`, title, options, moves.map(stepsOf));
}
