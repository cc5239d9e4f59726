import { MT } from '../arch/memory-types.js';
import {
  clearDirtyLog,
  disableQuirk,
  getDirtyLog,
  memslot,
  mib,
  mtrrs,
  noncoherent,
  scenario,
  touch,
  touchMany,
} from '../scenario/builder.js';
import type { Step } from '../scenario/types.js';

const SLOT = mib(64);
/** More than one word of the bitmap, and not a whole number of words. */
const PAGES = 72;
const BEFORE = 449;
const HUGE = 512;

const WB_IPAT = { A: 'WB+IPAT', B: 'WB+IPAT', D: 'WB+IPAT', E: 'WB+IPAT' };
const page = (n: number): bigint => SLOT + BigInt(n) * 0x1000n;
const write = (n: number): Step => touch(page(n), { access: 'write' });
const read = (n: number): Step => touch(page(n));
const log = (on: boolean, pages = PAGES, backing: 'ram' | 'huge-ram' = 'ram'): Step =>
  memslot(1, SLOT, pages, backing, { flags: on ? ['log-dirty-pages'] : [] });

/** Pages at both ends of a word of the bitmap, and the slot's last one. */
const EDGES = [0, 1, 63, 64, 71];

/** The log of the pages that a guest writes: what it names, and what becomes of the leaves. */
export const dirty = [
  scenario('dirty/log', 'The log names the pages that were written, once, and each word of it its own', {}, [
    memslot(1, SLOT, PAGES),
    EDGES.map(write),
    read(2),
    getDirtyLog(1, { result: 'ENOENT' }),
    log(true),
    getDirtyLog(1),
    ...EDGES.flatMap((n) => [write(n), read(2), getDirtyLog(1)]),
    EDGES.map(write),
    EDGES.map(write),
    getDirtyLog(1),
    getDirtyLog(1),
    touch(page(5), { claims: WB_IPAT }),
    getDirtyLog(1),
    write(2),
    log(false),
    [...EDGES, 2].map(write),
    getDirtyLog(1, { result: 'ENOENT' }),
    log(true),
    getDirtyLog(1),
  ]),
  scenario(
    'dirty/manual',
    'With manual protection a log is cleared by words, and only what is cleared is protected',
    {},
    [
      memslot(1, SLOT, PAGES),
      EDGES.map(write),
      { do: 'manual-protect', initiallySet: false },
      log(true),
      EDGES.map(write),
      getDirtyLog(1),
      getDirtyLog(1),
      clearDirtyLog(1, 64, 8),
      getDirtyLog(1),
      write(70),
      clearDirtyLog(1, 0, 64),
      getDirtyLog(1),
      [1, 63].map(write),
      clearDirtyLog(1, 0, 7, { result: 'EINVAL' }),
      clearDirtyLog(1, 8, 64, { result: 'EINVAL' }),
      clearDirtyLog(1, 64, 72, { result: 'EINVAL' }),
      getDirtyLog(1),
      clearDirtyLog(1, 0, 72),
      getDirtyLog(1),
      log(false),
      clearDirtyLog(1, 0, 72, { result: 'ENOENT' }),
    ],
  ),
  scenario('dirty/initially-set', 'A log that starts full protects nothing until it is cleared', {}, [
    { do: 'manual-protect', initiallySet: true },
    memslot(1, SLOT, PAGES),
    EDGES.map(write),
    log(true),
    EDGES.map(write),
    getDirtyLog(1),
    clearDirtyLog(1, 0, 64),
    [1, 63, 64].map(write),
    getDirtyLog(1),
    clearDirtyLog(1, 64, 8),
    write(71),
    getDirtyLog(1),
  ]),
  scenario(
    'dirty/types',
    'Logging on and off leaves the types of leaves that are there, and new ones get those of the time',
    { needs: ['ept-leaves', 'noncoherent'] },
    [
      memslot(1, SLOT, PAGES, 'ram', { flags: ['log-dirty-pages'] }),
      [0, 1].map(write),
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      [1, 2].map(write),
      getDirtyLog(1),
      [1, 2, 3].map(write),
      log(false),
      [1, 2, 4].map(write),
      log(true),
      touch(page(1), { access: 'write', claims: { A: 'WT', B: 'WT', D: 'WB', E: 'WB' } }),
      getDirtyLog(1),
    ],
  ),
  scenario(
    'dirty/huge',
    'Under a log a huge leaf gives way to small ones of its type',
    { needs: ['ept-leaves', 'huge-pages'] },
    [
      memslot(1, SLOT, HUGE, 'huge-ram'),
      touch(page(5), { access: 'write', claims: WB_IPAT }),
      log(true, HUGE, 'huge-ram'),
      [0, 5, 511].map(write),
      getDirtyLog(1),
      write(511),
      getDirtyLog(1),
      // Each small leaf has its own page's memory.
      [1, 4, 5, 510].map((n) => touch(page(n))),
    ],
  ),
  scenario(
    'dirty/huge-full',
    'Where a log starts full just those huge leaves give way that cleared pages lie in, at the end of a word as the kernel does it',
    { needs: ['ept-leaves', 'huge-pages', 'tdp-mmu'] },
    [
      { do: 'manual-protect', initiallySet: true },
      // Small up to the first whole huge page.
      memslot(1, page(BEFORE), HUGE - BEFORE + 3 * HUGE, 'huge-ram', { offset: BEFORE }),
      [0, 1, 2, 3].map((n) => write(HUGE * n + HUGE - 1)),
      memslot(1, page(BEFORE), HUGE - BEFORE + 3 * HUGE, 'huge-ram', {
        offset: BEFORE,
        flags: ['log-dirty-pages'],
      }),
      [HUGE + 6, 3 * HUGE].map(write),
      // A word that ends with the first page of a huge one: up to 6.7 that stays, until it is written.
      clearDirtyLog(1, 0, 64),
      [HUGE - 1, HUGE, 2 * HUGE - 1].map(write),
      // A word within one.
      clearDirtyLog(1, HUGE + 64, 64),
      [2 * HUGE - 1, 2 * HUGE, HUGE + 1, 3 * HUGE - 1, 3 * HUGE].map(write),
      [2 * HUGE - 2, 2 * HUGE + 1, 3 * HUGE - 2].map((n) => touch(page(n))),
    ],
  ),
  scenario(
    'dirty/huge-end',
    'When a log ends, small leaves that could be a huge one go, or are put together in place, as the era does',
    { needs: ['ept-leaves', 'huge-pages', 'tdp-mmu', 'noncoherent'] },
    [
      noncoherent(true),
      mtrrs({ def: MT.WT }),
      memslot(1, SLOT, HUGE, 'huge-ram', { flags: ['log-dirty-pages'] }),
      [0, 5, 511].map(write),
      getDirtyLog(1),
      write(5),
      log(false, HUGE, 'huge-ram'),
      [0, 300, 511].map(write),
    ],
  ),
  scenario(
    'dirty/quirk-huge',
    'Small leaves that a log split keep their type though the quirk was disabled before',
    { needs: ['ept-leaves', 'huge-pages', 'tdp-mmu', 'quirk-ignore-guest-pat'] },
    [
      memslot(1, SLOT, HUGE, 'huge-ram'),
      touchMany(SLOT, 2),
      disableQuirk('ignore-guest-pat'),
      log(true, HUGE, 'huge-ram'),
      write(1),
      getDirtyLog(1),
      log(false, HUGE, 'huge-ram'),
      touch(page(1)),
    ],
  ),
];
