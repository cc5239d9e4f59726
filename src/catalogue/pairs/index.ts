import { MT } from '../../arch/memory-types.js';
import {
  cd,
  discard,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  scenario,
  touch,
  touchNested,
} from '../../scenario/builder.js';
import { KINDS, walkScenario } from './kinds.js';
import { PAGES } from './moves.js';
import { WALKS } from './walks.js';

const claim = (mtrr: string) => ({ A: mtrr, B: mtrr, D: 'WB', E: 'WB' });
const needs = ['ept-leaves', 'noncoherent'] as const;
const LARGE = mib(64);

/** What walks do not come to: it takes more than one change at once. */
const rest = [
  scenario(
    'pairs/cd-left-behind',
    'A page that one vCPU touched with CR0.CD=1 stays as it was for another, which never had it',
    { needs, vcpus: 2 },
    [
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      mtrrs({ def: MT.WT, vcpu: 1 }),
      cd(true, { vcpu: 1 }),
      touch(mib(4), { vcpu: 1, claims: { A: 'WB+IPAT', B: 'WB', D: 'WB', E: 'WB' } }),
      cd(false, { vcpu: 1 }),
      touch(mib(4)),
      touch(mib(5), { claims: claim('WT') }),
    ],
  ),
  scenario(
    'pairs/overlap-large',
    'Two ranges of one type over each other let a leaf be large; memslots and host memory that come and go change no type',
    { needs: [...needs, 'huge-pages'] },
    [
      noncoherent(true),
      memslot(1, LARGE, 512, 'huge-ram'),
      mtrrs({
        def: MT.UC,
        ranges: [
          [MT.WT, 0n, mib(128)],
          [MT.WT, LARGE, mib(2)],
        ],
      }),
      touch(LARGE, { claims: claim('WT') }),
      touch(LARGE + mib(2) - 0x1000n, { claims: claim('WT') }),
      memslot(2, mib(72), 1),
      touch(mib(4), { claims: claim('WT') }),
      touch(mib(72), { claims: claim('WT') }),
      discard(mib(5), 1),
      touch(mib(4), { claims: claim('WT') }),
      touch(mib(5), { claims: claim('WT') }),
    ],
  ),
  scenario(
    'pairs/nested-again',
    'Leaves of L2 under ranges that overlap, and under a device that came, went and came again',
    { needs: [...needs, 'nested'] },
    [
      noncoherent(true),
      mtrrs({
        def: MT.UC,
        ranges: [
          [MT.WB, 0n, mib(128)],
          [MT.WT, mib(4), mib(4)],
        ],
      }),
      touchNested(mib(4), { claims: claim('WT') }),
      noncoherent(false),
      touchNested(mib(4)),
      touchNested(mib(5), { claims: { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' } }),
      noncoherent(true),
      touchNested(mib(4)),
      touchNested(mib(5)),
      touchNested(mib(6), { claims: claim('WT') }),
    ],
  ),
];

/** Every page, by both vCPUs in turn, without a leaf: a memslot that went has taken all along. */
const FRESH = ['slot+', 'slot-', ...Object.keys(PAGES).map((page, i) => `r${i % 2}.${page}`)];
const freshIn = (...states: readonly string[]): string[] =>
  states.flatMap((state) => [...state.split(' '), ...FRESH]);

/** What each state decides for a page of each sort, beside which of these pairs were met at all. */
const fresh = [
  walkScenario(
    {
      name: 'fresh',
      title: 'Pages of each sort get new leaves as DMA, MTRRs and CR0.CD say, one state after the other',
    },
    freshIn(
      'slots',
      'dma+',
      'ranges0 ranges1 on0 on1',
      'ranges2 fix-types fixed0 fixed1',
      'off0 cd1+',
      'quirk-cd on0',
      'cd0+ cd1-',
      'dma-',
      'cd0- dma+',
    ),
  ),
  walkScenario(
    {
      name: 'fresh-quirk',
      title: 'Pages of each sort get new leaves once IGNORE_GUEST_PAT is disabled, with a device and without',
      needs: ['quirk-ignore-guest-pat'],
    },
    freshIn('slots quirk-pat', 'cd0+', 'dma+', 'dma-'),
  ),
];

/** Pairs of the state space that no other family exercises; `run --coverage` tells of all. */
export const pairs = [
  ...KINDS.flatMap((kind) => {
    const moves = WALKS[kind.name];
    return moves === undefined ? [] : [walkScenario(kind, moves.join(' ').split(' '))];
  }),
  ...rest,
  ...fresh,
];
