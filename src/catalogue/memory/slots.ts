import { MT } from '../../arch/memory-types.js';
import {
  deleteMemslot,
  disableQuirk,
  getDirtyLog,
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
const OTHER = mib(96);
const PAGES = 8;

const WB_IPAT = { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' };
const claim = (mtrr: string): Claims => ({ A: mtrr, B: mtrr, D: 'WB', E: 'WB' });
const page = (base: bigint, n: number): bigint => base + BigInt(n) * PAGE;
const write = (gpa: bigint): Step => touch(gpa, { access: 'write' });
const READ_ONLY = { flags: ['readonly'] } as const;

/** Three slots side by side, the one between of 4 pages, and each page of them mapped, and some of RAM. */
const row = (from = SLOT): Step[] => [
  memslot(1, page(from, 0), 4),
  memslot(2, page(from, 4), 4),
  memslot(3, page(from, 8), 4),
  ...touchMany(from, 12),
  ...touchMany(mib(4), 2),
];
const rowAgain = [...touchMany(SLOT, 12), ...touchMany(mib(4), 2)];

const quirkOff = ['ept-leaves', 'quirk-slot-zap-all'] as const;

/** Memslots that move, come back, may only be read, or go without taking every leaf of the VM with them. */
export const slots = [
  scenario(
    'slot/move',
    'A memslot that moves takes its memory along, leaves no leaf behind, and gets the types of its new place',
    { needs: ['ept-leaves', 'noncoherent'] },
    [
      noncoherent(true),
      mtrrs({ def: MT.WB, ranges: [[MT.WT, OTHER, mib(1)]] }),
      memslot(1, SLOT, PAGES),
      memslot(2, page(SLOT, PAGES), 2),
      touchMany(SLOT, PAGES),
      touch(SLOT, { access: 'write', claims: claim('WB') }),
      touch(page(SLOT, PAGES)),
      memslot(1, OTHER, PAGES),
      [touch(SLOT), touch(page(SLOT, 7)), touch(page(SLOT, PAGES))],
      touch(OTHER, { claims: claim('WT') }),
      touch(page(OTHER, 7), { claims: claim('WT') }),
      // By one page, so that it overlaps where it was; then onto another slot.
      memslot(1, page(OTHER, 1), PAGES),
      [touch(page(OTHER, 1)), touch(page(OTHER, 8), { claims: claim('WT') })],
      memslot(1, page(SLOT, 1), PAGES, 'ram', { result: 'EEXIST' }),
      touchMany(page(OTHER, 1), PAGES),
      // Back, with a log that begins there.
      memslot(1, SLOT, PAGES, 'ram', { flags: ['log-dirty-pages'] }),
      touch(SLOT, { claims: claim('WB') }),
      write(page(SLOT, 7)),
      getDirtyLog(1),
      noncoherent(false),
      memslot(1, OTHER, PAGES),
      touch(OTHER, { claims: WB_IPAT }),
    ],
  ),
  scenario(
    'slot/again',
    'A memslot that is made again has new memory, new leaves and the types of the time, whatever its size and flags',
    { needs: ['ept-leaves', 'noncoherent'] },
    [
      memslot(1, SLOT, PAGES),
      write(SLOT),
      touchMany(SLOT, PAGES),
      deleteMemslot(1),
      [touch(SLOT), touch(page(SLOT, 7)), write(page(SLOT, 3))],
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      memslot(1, SLOT, 4, 'ram', READ_ONLY),
      touch(SLOT, { claims: claim('WT') }),
      [touch(page(SLOT, 3)), touch(page(SLOT, 4)), write(SLOT)],
      deleteMemslot(1),
      memslot(1, page(SLOT, 2), 4, 'ram', { flags: ['log-dirty-pages'] }),
      [touch(SLOT), write(page(SLOT, 2)), touch(page(SLOT, 5)), getDirtyLog(1)],
      deleteMemslot(1),
      noncoherent(false),
      memslot(5, SLOT, PAGES),
      touchMany(SLOT, PAGES),
      touch(SLOT, { access: 'write', claims: WB_IPAT }),
    ],
  ),
  scenario(
    'slot/read-only',
    'A read-only memslot is mapped for reading, writes to it end as MMIO, and nothing but a new slot makes it writable',
    {},
    [
      memslot(1, SLOT, PAGES),
      memslot(2, OTHER, PAGES, 'ram', { ...READ_ONLY, memoryOf: 1 }),
      [touch(OTHER), write(OTHER), write(page(OTHER, 1)), touch(page(OTHER, 1))],
      [touch(page(OTHER, 7), { claims: WB_IPAT }), write(page(OTHER, 7))],
      // The same memory through the other slot is writable, and read-only here still.
      [write(SLOT), touch(OTHER), write(page(SLOT, 7)), write(OTHER)],
      touch(page(OTHER, 2), { access: 'fetch' }),
      write(page(OTHER, 2)),
      memslot(2, OTHER, PAGES, 'ram', { result: 'EINVAL' }),
      write(OTHER),
      // There is nothing to log.
      memslot(2, OTHER, PAGES, 'ram', { flags: ['readonly', 'log-dirty-pages'] }),
      [touch(page(OTHER, 3)), write(page(OTHER, 3)), getDirtyLog(2)],
      memslot(2, OTHER, PAGES, 'ram', READ_ONLY),
      touchMany(OTHER, PAGES),
      memslot(2, page(OTHER, PAGES), PAGES, 'ram', READ_ONLY),
      [touch(page(OTHER, PAGES)), write(page(OTHER, PAGES)), write(page(OTHER, 7))],
      deleteMemslot(2),
      memslot(2, OTHER, PAGES),
      [write(OTHER), touch(page(OTHER, 7)), write(page(OTHER, 7))],
    ],
  ),
  scenario(
    'slot/read-only-huge',
    'Large leaves of a read-only memslot cannot be written either',
    { needs: ['ept-leaves', 'huge-pages'] },
    [
      memslot(1, SLOT, 1024, 'huge-ram', READ_ONLY),
      [touch(SLOT), touch(SLOT + mib(4) - PAGE, { claims: WB_IPAT }), write(SLOT + PAGE)],
      touch(SLOT + PAGE),
    ],
  ),
  scenario(
    'slot/delete-one',
    'A memslot that goes takes its leaves with it, to its first and last page; others go as the era says',
    {},
    [
      row(),
      deleteMemslot(2),
      [touch(page(SLOT, 3)), touch(page(SLOT, 4)), touch(page(SLOT, 7)), touch(page(SLOT, 8))],
      touchMany(mib(4), 2),
      memslot(2, page(SLOT, 5), 2),
      rowAgain,
    ],
  ),
  scenario(
    'slot/quirk-off',
    'Without the quirk SLOT_ZAP_ALL a memslot that goes or moves takes just its own leaves with it',
    { needs: quirkOff },
    [
      row(),
      disableQuirk('slot-zap-all'),
      rowAgain,
      deleteMemslot(2),
      [touch(page(SLOT, 4)), touch(page(SLOT, 7))],
      memslot(2, page(SLOT, 4), 4),
      rowAgain,
      memslot(3, page(SLOT, 12), 4),
      [touch(page(SLOT, 8)), touch(page(SLOT, 11)), ...touchMany(page(SLOT, 12), 4)],
      memslot(2, page(SLOT, 6), 4),
      touchMany(SLOT, 16),
      deleteMemslot(1),
      deleteMemslot(3),
      touchMany(SLOT, 16),
      touchMany(mib(4), 2),
    ],
  ),
  scenario(
    'slot/quirk-off-memory',
    'Of two memslots over one memory only the one that goes loses leaves without the quirk SLOT_ZAP_ALL',
    { needs: quirkOff },
    [
      disableQuirk('slot-zap-all'),
      memslot(1, SLOT, 4),
      memslot(2, OTHER, 4, 'ram', { memoryOf: 1 }),
      memslot(3, OTHER + mib(1), 4, 'ram', { ...READ_ONLY, memoryOf: 1 }),
      [SLOT, OTHER, OTHER + mib(1)].flatMap((gpa) => touchMany(gpa, 4)),
      write(OTHER),
      deleteMemslot(1),
      [touch(OTHER), touch(page(OTHER + mib(1), 3)), touch(page(SLOT, 3))],
      deleteMemslot(3),
      memslot(3, OTHER + mib(1), 2, 'ram', { memoryOf: 2, offset: 2 }),
      [write(OTHER + mib(1)), ...touchMany(OTHER, 4)],
    ],
  ),
  scenario(
    'slot/quirk-off-huge',
    'Large leaves at the ends of a memslot go with it, and those beyond stay, without the quirk SLOT_ZAP_ALL',
    { needs: [...quirkOff, 'huge-pages'] },
    [
      disableQuirk('slot-zap-all'),
      memslot(1, SLOT, 512, 'huge-ram'),
      // Small leaves at both ends, large ones between.
      memslot(2, SLOT + mib(2) + PAGE, 1534, 'huge-ram', { offset: 1 }),
      memslot(3, SLOT + mib(8), 1024, 'huge-ram'),
      [0n, mib(2) + PAGE, mib(4), mib(8) - 2n * PAGE, mib(8), mib(10)].map((at) => touch(SLOT + at)),
      deleteMemslot(2),
      [0n, mib(2) - PAGE, mib(8), mib(10)].map((at) => touch(SLOT + at)),
      [mib(2) + PAGE, mib(4), mib(6) - PAGE, mib(8) - 2n * PAGE].map((at) => touch(SLOT + at)),
      memslot(3, SLOT + mib(12), 1024, 'huge-ram'),
      [0n, mib(8), mib(10), mib(12), mib(16) - PAGE].map((at) => touch(SLOT + at)),
      deleteMemslot(1),
      [0n, mib(12), mib(14)].map((at) => touch(SLOT + at)),
    ],
  ),
  scenario(
    'slot/quirk-off-types',
    'Leaves that a memslot leaves behind keep their types without the quirk SLOT_ZAP_ALL, with DMA that is not coherent',
    { needs: [...quirkOff, 'noncoherent'] },
    [
      disableQuirk('slot-zap-all'),
      row(),
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      rowAgain,
      deleteMemslot(2),
      [touch(page(SLOT, 4)), ...touchMany(SLOT, 4)],
      memslot(2, page(SLOT, 4), 4),
      touch(page(SLOT, 4), { claims: { D: 'WB', E: 'WB' } }),
      noncoherent(false),
      deleteMemslot(3),
      touchMany(SLOT, 8),
    ],
  ),
  scenario(
    'slot/quirk-off-nested',
    'A guest of the guest loses just the leaves of the memslot that goes, without the quirk SLOT_ZAP_ALL',
    { needs: [...quirkOff, 'nested'] },
    [
      disableQuirk('slot-zap-all'),
      memslot(1, SLOT, 4),
      memslot(2, OTHER, 4),
      [SLOT, page(SLOT, 3), OTHER, mib(4)].map((gpa) => touchNested(gpa)),
      deleteMemslot(1),
      [OTHER, mib(4)].map((gpa) => touchNested(gpa)),
      memslot(1, SLOT, 4),
      [SLOT, page(SLOT, 3), OTHER].map((gpa) => touchNested(gpa)),
    ],
  ),
  scenario(
    'slot/quirk-again',
    'The quirk SLOT_ZAP_ALL stays disabled when another one is, or comes back, as the kernel takes a second call',
    { needs: ['ept-leaves', 'quirk-slot-zap-all'] },
    [
      disableQuirk('slot-zap-all'),
      disableQuirk(0x8),
      memslot(1, SLOT, 2),
      memslot(2, SLOT + mib(2), 2),
      touchMany(SLOT, 2),
      touch(SLOT + mib(2)),
      deleteMemslot(1),
      touch(SLOT + mib(2)),
    ],
  ),
];
