import { MT } from '../../arch/memory-types.js';
import {
  getDirtyLog,
  hostMemory,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  scenario,
  touch,
  touchMany,
  touchNested,
} from '../../scenario/builder.js';
import type { Claims, Step } from '../../scenario/types.js';

const PAGE = 0x1000n;
const SLOT = mib(64);
/** Directly behind SLOT, so that a zap that goes too far shows. */
const NEXT = SLOT + 16n * PAGE;
const OTHER = mib(96);

const WB_IPAT = { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' };
const claim = (mtrr: string): Claims => ({ A: mtrr, B: mtrr, D: 'WB', E: 'WB' });

const page = (base: bigint, n: number): bigint => base + BigInt(n) * PAGE;
const write = (gpa: bigint): Step => touch(gpa, { access: 'write' });

/** A slot of 16 pages with one of 4 behind it, and all of their pages mapped. */
const twoSlots: Step[] = [
  memslot(1, SLOT, 16),
  memslot(2, NEXT, 4),
  ...touchMany(SLOT, 16),
  ...touchMany(NEXT, 4),
];

/** Parts of the 16 pages: the first page, the last one, some between, an odd number over the middle, and all. */
const PARTS = [
  [0, 1],
  [15, 1],
  [3, 2],
  [5, 7],
  [0, 16],
] as const;

const all = [...touchMany(SLOT, 16), ...touchMany(NEXT, 4)];

/** What KVM does when the host takes memory back, or changes how it may be used: it hears of it by an MMU notifier. */
export const notifier = [
  scenario('notifier/discard', 'Just the pages that the host discards lose their leaves', {}, [
    twoSlots,
    PARTS.flatMap(([first, pages]) => [
      hostMemory('discard', 1, first, pages),
      ...touchMany(page(SLOT, first), pages),
      touch(page(SLOT, 8), { claims: WB_IPAT }),
    ]),
    hostMemory('discard', 2, 0, 4),
    all,
  ]),
  scenario(
    'notifier/protect',
    'Pages that the host lets only be read get leaves that cannot be written',
    {},
    [
      twoSlots,
      PARTS.flatMap(([first, pages]) => [
        hostMemory('protect', 1, first, pages),
        touch(page(SLOT, first)),
        touch(page(SLOT, first + pages - 1)),
        ...(first > 0 ? [write(page(SLOT, first - 1))] : []),
        ...(first + pages < 16 ? [write(page(SLOT, first + pages))] : []),
        write(NEXT),
        hostMemory('unprotect', 1, first, pages),
        write(page(SLOT, first)),
        touch(page(SLOT, first + pages - 1)),
      ]),
      all,
    ],
  ),
  scenario('notifier/unmap', 'Just the pages that the host unmaps lose their leaves', {}, [
    twoSlots,
    hostMemory('unmap', 1, 15, 1),
    write(NEXT),
    hostMemory('unmap', 1, 0, 1),
    hostMemory('unmap', 1, 7, 2),
    [1, 6, 9, 14].map((n) => write(page(SLOT, n))),
  ]),
  scenario(
    'notifier/huge',
    'A huge page that the host unmaps loses its leaf, and those beside it stay',
    { needs: ['ept-leaves', 'huge-pages'] },
    [
      memslot(1, SLOT, 3 * 512, 'huge-ram'),
      [0, 2, 4].map((n) => write(SLOT + mib(n))),
      hostMemory('unmap', 1, 512, 512),
      [0, 4].flatMap((n) => [touch(SLOT + mib(n)), touch(SLOT + mib(n + 2) - PAGE, { claims: WB_IPAT })]),
    ],
  ),
  scenario(
    'notifier/two-slots',
    'Two memslots over one memory have leaves of their own, each with the type of its place, and lose them together',
    { needs: ['ept-leaves', 'noncoherent'] },
    [
      noncoherent(true),
      mtrrs({ def: MT.WB, ranges: [[MT.WT, OTHER, mib(1)]] }),
      memslot(1, SLOT, 8),
      memslot(2, OTHER, 6, 'ram', { memoryOf: 1, offset: 2 }),
      // Part of guest RAM at another place.
      memslot(3, OTHER + mib(2), 4, 'ram', { memoryOf: 0, offset: 0x400 }),
      touchMany(SLOT, 8),
      touchMany(mib(4), 4),
      touch(OTHER, { access: 'write', claims: claim('WT') }),
      touch(page(SLOT, 2), { claims: claim('WB') }),
      touchMany(page(OTHER, 1), 5),
      touchMany(OTHER + mib(2), 4),
      // The last page of both, a page that only the first slot has, and one in RAM.
      [hostMemory('discard', 1, 7, 1), touch(page(OTHER, 5)), touch(page(SLOT, 7))],
      [hostMemory('discard', 2, 0, 1), touch(page(SLOT, 2)), touch(OTHER, { claims: claim('WT') })],
      [hostMemory('discard', 1, 0, 2), ...touchMany(SLOT, 3), touch(OTHER)],
      [hostMemory('discard', 0, 0x403, 1), touch(mib(4) + 3n * PAGE), touch(OTHER + mib(2) + 3n * PAGE)],
      [hostMemory('protect', 1, 0, 8), touch(page(SLOT, 4)), touch(page(OTHER, 2)), touch(OTHER)],
      [hostMemory('unprotect', 1, 0, 8), write(page(OTHER, 2)), touch(page(SLOT, 4)), write(page(SLOT, 7))],
    ],
  ),
  scenario(
    'notifier/over-two-slots',
    'A part of the host’s memory that spans two memslots loses the last leaves of one and the first of the other',
    {},
    [
      memslot(2, OTHER, 8, 'ram', { offset: 8 }),
      memslot(1, SLOT, 8, 'ram', { memoryOf: 2 }),
      // One whose memory lies elsewhere keeps its leaves.
      memslot(3, page(SLOT, 8), 8),
      [SLOT, OTHER, page(SLOT, 8)].flatMap((gpa) => touchMany(gpa, 8)),
      hostMemory('discard', 1, 7, 2),
      [SLOT, OTHER, page(SLOT, 8)].flatMap((gpa) => touchMany(gpa, 8)),
      hostMemory('protect', 1, 6, 10),
      [touch(page(SLOT, 7)), touch(OTHER), touch(page(OTHER, 7)), write(page(SLOT, 5)), write(page(SLOT, 8))],
      hostMemory('unprotect', 1, 6, 10),
      [page(SLOT, 6), OTHER, page(OTHER, 7)].map(write),
    ],
  ),
  scenario(
    'notifier/types',
    'A page that comes back after the host took it has the type of the time, read-only or not',
    { needs: ['ept-leaves', 'noncoherent'] },
    [
      memslot(1, SLOT, 4),
      touchMany(SLOT, 4),
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      hostMemory('protect', 1, 0, 2),
      touch(SLOT, { claims: claim('WT') }),
      mtrrs({ def: MT.WC }),
      hostMemory('discard', 1, 1, 1),
      touchMany(SLOT, 4),
      hostMemory('unprotect', 1, 0, 2),
      touch(SLOT, { access: 'write', claims: claim('WC') }),
      noncoherent(false),
      touchMany(SLOT, 4),
    ],
  ),
  scenario('notifier/log', 'Pages that come back are in the log once they may be written', {}, [
    memslot(1, SLOT, 8, 'ram', { flags: ['log-dirty-pages'] }),
    touchMany(SLOT, 8),
    getDirtyLog(1),
    [hostMemory('discard', 1, 7, 1), touch(page(SLOT, 7)), getDirtyLog(1)],
    [hostMemory('protect', 1, 0, 2), ...touchMany(SLOT, 3), getDirtyLog(1)],
    [hostMemory('unprotect', 1, 0, 2), write(page(SLOT, 1)), getDirtyLog(1)],
  ]),
  scenario(
    'notifier/nested',
    'A guest of the guest loses the pages that the host takes, too',
    { needs: ['ept-leaves', 'nested'] },
    [
      memslot(1, SLOT, 4),
      memslot(2, OTHER, 4, 'ram', { memoryOf: 1 }),
      [SLOT, page(SLOT, 3), OTHER, page(OTHER, 3)].map((gpa) => touchNested(gpa)),
      hostMemory('discard', 1, 3, 1),
      [SLOT, page(SLOT, 3), OTHER, page(OTHER, 3)].map((gpa) => touchNested(gpa)),
      hostMemory('protect', 2, 0, 1),
      [SLOT, page(SLOT, 3), OTHER].map((gpa) => touchNested(gpa)),
    ],
  ),
];
