import { MT } from '../arch/memory-types.js';
import {
  cd,
  clearDirtyLog,
  deleteMemslot,
  disableQuirk,
  type MtrrRange,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  physMask,
  preFault,
  scenario,
  touch,
  wrmsr,
} from '../scenario/builder.js';
import type { MemslotFlag, Step } from '../scenario/types.js';

const PAGE = 0x1000n;
/** Pages of 1 GiB, and of a large page. */
const GIB_PAGES = 0x40000;
const LARGE = 512;

/** The slot, and where it ends. */
const LOW = mib(2048);
const HIGH = mib(3072);
const MIDDLE = LOW + mib(514);

const WB_IPAT = { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' };
const claim = (mtrr: string) => ({ A: mtrr, B: mtrr, D: 'WB', E: 'WB' });
const needs = ['ept-leaves', 'gib-pages'] as const;
const withDma = [...needs, 'noncoherent'] as const;

const gibSlot = (flags: MemslotFlag[] = []): Step => memslot(1, LOW, GIB_PAGES, 'gib-ram', { flags });
const write = (gpa: bigint): Step => touch(gpa, { access: 'write' });

/** MTRR ranges about the page [LOW, HIGH), the default type, and the type of the first frame. */
const SHAPES: readonly (readonly [def: number, first: string, ranges: readonly MtrrRange[]])[] = [
  [MT.WB, 'UC', [[MT.UC, LOW, mib(1024)]]],
  [MT.WB, 'WC', [[MT.WC, LOW, PAGE]]],
  [MT.WB, 'WB', [[MT.WC, HIGH - PAGE, PAGE]]],
  [
    MT.WB,
    'WB',
    [
      [MT.WC, LOW - PAGE, PAGE],
      [MT.WC, HIGH, PAGE],
    ],
  ],
  [MT.WB, 'WP', [[MT.WP, LOW, mib(512)]]],
  [MT.WB, 'WB', [[MT.WT, MIDDLE, mib(2)]]],
  [MT.WT, 'WT', [[MT.WT, MIDDLE, PAGE]]],
  [
    MT.UC,
    'UC',
    [
      [MT.UC, LOW, mib(1024)],
      [MT.WB, MIDDLE, mib(2)],
    ],
  ],
];

const NONE: MtrrRange = [MT.UC, 0n, PAGE];

/** The first page, one in the middle, and the last, of the whole and of a large page. */
const touchAll = (first: string): Step[] => [
  touch(LOW, { claims: claim(first) }),
  touch(LOW + mib(2) - PAGE),
  touch(MIDDLE),
  touch(HIGH - mib(2)),
  touch(HIGH - PAGE),
];

/** Slots that have, or have not, the whole page as it lies: where, how many pages, how many of the memory lie before. */
const ENDS: readonly (readonly [gpa: bigint, pages: number, offset?: number])[] = [
  [LOW, GIB_PAGES - 1],
  [LOW, GIB_PAGES - LARGE],
  [LOW + PAGE, GIB_PAGES - 1, 1],
  [LOW + mib(2), GIB_PAGES - LARGE, LARGE],
  [LOW + mib(2), GIB_PAGES],
  [LOW + PAGE, GIB_PAGES],
];

const slotEnds = ENDS.flatMap(([gpa, pages, offset]): Step[] => {
  const end = gpa + BigInt(pages) * PAGE;
  return [
    memslot(1, gpa, pages, 'gib-ram', offset === undefined ? {} : { offset }),
    ...[gpa, MIDDLE, end - mib(2), end - PAGE].map((at) => touch(at, { claims: WB_IPAT })),
    deleteMemslot(1),
  ];
});

/** Leaves of 1 GiB: as large as slots, memory, guest MTRRs and logging let them be. */
export const gib = [
  scenario(
    'gib/range-shapes',
    'A leaf of 1 GiB is made just where guest MTRRs have one type by the rules of the era, and smaller ones as large as they can be',
    { needs: withDma },
    [
      noncoherent(true),
      gibSlot(),
      SHAPES.flatMap(([def, first, ranges]) => [
        ...mtrrs({ def, ranges: [...ranges, NONE].slice(0, 2), by: 'host' }),
        ...touchAll(first),
      ]),
    ],
  ),
  scenario(
    'gib/slot-ends',
    'A leaf of 1 GiB is made only within its slot, and only where the slot lies as its memory does',
    { needs },
    [
      ...slotEnds,
      gibSlot(['readonly']),
      touch(MIDDLE, { claims: WB_IPAT }),
      // Moved by a whole page it still fits, and by a large page no more.
      memslot(1, LOW - mib(1024), GIB_PAGES, 'gib-ram', { flags: ['readonly'] }),
      touch(LOW - PAGE, { claims: WB_IPAT }),
      memslot(1, LOW - mib(2), GIB_PAGES, 'gib-ram', { flags: ['readonly'] }),
      touch(LOW, { claims: WB_IPAT }),
    ],
  ),
  scenario(
    'gib/dma-refault',
    'A leaf of 1 GiB goes whole and comes back, of another type or smaller, as non-coherent DMA, MTRRs and CR0.CD change',
    { needs: withDma },
    [
      gibSlot(),
      touch(MIDDLE, { claims: WB_IPAT }),
      touch(HIGH - PAGE),
      noncoherent(true),
      touch(MIDDLE),
      mtrrs({ def: MT.WT }),
      touch(LOW, { claims: claim('WT') }),
      // One page of it.
      wrmsr(0x201, physMask(PAGE)),
      wrmsr(0x200, (HIGH - PAGE) | BigInt(MT.WC)),
      touch(LOW),
      touch(HIGH - mib(2), { claims: claim('WT') }),
      touch(HIGH - PAGE, { claims: claim('WC') }),
      // One large page among those that are left: the others stay.
      wrmsr(0x201, physMask(mib(2))),
      wrmsr(0x200, MIDDLE | BigInt(MT.UC)),
      [LOW, MIDDLE].map((gpa) => touch(gpa)),
      mtrrs({ def: MT.UC, ranges: [[MT.WB, LOW, mib(1024)]] }),
      touch(HIGH - PAGE, { claims: claim('WB') }),
      cd(true),
      touch(LOW),
      noncoherent(false),
      touch(LOW),
    ],
  ),
  scenario(
    'gib/over-table',
    'Once MTRRs allow a leaf of 1 GiB it takes the place of tables, and the smaller leaves of either size that stayed there go',
    { needs: [...withDma, 'tdp-mmu'] },
    [
      noncoherent(true),
      gibSlot(),
      mtrrs({ def: MT.WT, ranges: [[MT.WC, MIDDLE + PAGE, PAGE]] }),
      [LOW, MIDDLE, HIGH - PAGE].map((gpa) => touch(gpa, { claims: claim('WT') })),
      touch(MIDDLE + PAGE, { claims: claim('WC') }),
      // Up to 6.10 a write zaps where the range is from now on, and not where it was.
      wrmsr(0x200, mib(256) | BigInt(MT.WC)),
      touch(LOW + mib(4), { claims: claim('WT') }),
      [LOW, MIDDLE + PAGE, HIGH - PAGE].map((gpa) => touch(gpa, { claims: claim('WT') })),
    ],
  ),
  scenario(
    'gib/log',
    'Under a log that starts full a leaf of 1 GiB gives way, of its types, to those small ones that are written or cleared',
    { needs: [...withDma, 'tdp-mmu'] },
    [
      { do: 'manual-protect', initiallySet: true },
      noncoherent(true),
      mtrrs({ def: MT.WT, by: 'host' }),
      gibSlot(),
      write(MIDDLE),
      gibSlot(['log-dirty-pages']),
      write(LOW),
      clearDirtyLog(1, 0, 64),
      [LOW + PAGE, LOW + 64n * PAGE, MIDDLE].map(write),
      clearDirtyLog(1, GIB_PAGES - 64, 64),
      [HIGH - PAGE, HIGH - mib(2), MIDDLE - PAGE].map(write),
      clearDirtyLog(1, 514 * 256, 64),
      [MIDDLE, MIDDLE + PAGE].map(write),
    ],
  ),
  scenario(
    'gib/log-end',
    'When a log ends the leaf of 1 GiB comes back as the era does it',
    { needs: [...needs, 'tdp-mmu'] },
    [
      { do: 'manual-protect', initiallySet: true },
      gibSlot(),
      write(MIDDLE),
      gibSlot(['log-dirty-pages']),
      clearDirtyLog(1, 514 * 256, 64),
      write(MIDDLE),
      gibSlot(),
      [LOW, MIDDLE, HIGH - PAGE].map(write),
    ],
  ),
  scenario(
    'gib/prefault',
    'A leaf of 1 GiB is made ahead wherever the guest’s own fault would make one',
    { needs: [...needs, 'pre-fault'] },
    [gibSlot(), preFault(MIDDLE + PAGE, 3), [LOW, HIGH - PAGE].map((gpa) => touch(gpa, { claims: WB_IPAT }))],
  ),
  scenario(
    'gib/quirk-off-slot',
    'Without the quirk SLOT_ZAP_ALL a slot that goes takes the leaf of 1 GiB with it, and leaves the large ones of another slot',
    { needs: [...needs, 'quirk-slot-zap-all'] },
    [
      disableQuirk('slot-zap-all'),
      gibSlot(),
      memslot(2, HIGH, 2 * LARGE, 'gib-ram', { memoryOf: 1, offset: GIB_PAGES - 2 * LARGE }),
      [MIDDLE, HIGH, HIGH + mib(4) - PAGE].map((gpa) => touch(gpa, { claims: WB_IPAT })),
      deleteMemslot(1),
      [MIDDLE, HIGH].map((gpa) => touch(gpa)),
      memslot(1, LOW, GIB_PAGES, 'gib-ram', { memoryOf: 2 }),
      [HIGH - PAGE, HIGH + mib(2)].map((gpa) => touch(gpa)),
    ],
  ),
];
