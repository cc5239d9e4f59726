import { MT, typeBytes } from '../../arch/memory-types.js';
import { addressMask, defType, MSR } from '../../arch/msrs.js';
import {
  cd,
  deleteMemslot,
  disableQuirk,
  discard,
  getDirtyLog,
  memslot,
  mib,
  noncoherent,
  physMask,
  touch,
  touchNested,
  wrmsr,
} from '../../scenario/builder.js';
import type { Step } from '../../scenario/types.js';

const PAGE = 0x1000n;
const HIGH = 1n << 32n;
const BAR = 0xe000_0000n;
/** Pages of 4 KiB in a large one. */
const LARGE = 512;
/** Ranges of this size, from 0 on, hold all pages. */
const ALL = 1n << 35n;

/** The pages that walks touch. @public for scripts/pairs.mjs */
export const PAGES: Readonly<Record<string, bigint>> = {
  first: 0x5000n,
  'first-16k': 0x8_4000n,
  'first-4k': 0xc_2000n,
  low: mib(4),
  'low-2': mib(5),
  'low-3': mib(6),
  ro: mib(64),
  'ro-2': mib(64) + PAGE,
  log: mib(66),
  'log-2': mib(66) + PAGE,
  large: mib(68),
  'large-end': mib(72) - PAGE,
  small: mib(72),
  'small-2': mib(72) + PAGE,
  hole: mib(80),
  dev: BAR,
  high: HIGH,
  'high-2': HIGH + PAGE,
  'high-ro': HIGH + mib(2),
  'high-log': HIGH + mib(4),
  'high-large': HIGH + mib(6),
  'high-small': HIGH + mib(8),
  'high-dev': HIGH + mib(10),
  'high-hole': HIGH + mib(16),
};

const logged = ['log-dirty-pages'] as const;
const readonly = ['readonly'] as const;

/** Memslots of each sort below 4 GiB and from there on. */
const PLAIN_SLOTS: readonly Step[] = [
  memslot(1, mib(64), 2, 'ram', { flags: readonly }),
  memslot(2, mib(68), 2 * LARGE, 'huge-ram'),
  memslot(3, mib(72), 2, 'huge-ram'),
  memslot(4, BAR, 1, 'pci-bar'),
  memslot(5, HIGH, 2),
  memslot(6, HIGH + mib(2), 1, 'ram', { flags: readonly }),
  memslot(7, HIGH + mib(6), LARGE, 'huge-ram'),
  memslot(8, HIGH + mib(8), 1, 'huge-ram'),
  memslot(9, HIGH + mib(10), 1, 'pci-bar'),
];

const LOGGED_SLOTS: readonly Step[] = [
  memslot(10, mib(66), 2, 'ram', { flags: logged }),
  memslot(11, HIGH + mib(4), 1, 'ram', { flags: logged }),
];

const enabled = (type: number, vcpu: number, fe: boolean): Step =>
  wrmsr(MSR.DEF_TYPE, defType(type, { e: true, fe }), { vcpu });
const mask = (n: number, valid: boolean): Step =>
  wrmsr(MSR.PHYSMASK0 + 2 * n, valid ? physMask(ALL) : addressMask(ALL, 36));
const base = (n: number, type: number, gpa = 0n): Step => wrmsr(MSR.PHYSBASE0 + 2 * n, gpa | BigInt(type));

/** What walks change, by its name. Ranges 0 and 1 overlap: write-back and write-through, so write-through where both count. @public for scripts/pairs.mjs */
export const CHANGES: Readonly<Record<string, readonly Step[]>> = {
  slots: [...PLAIN_SLOTS, ...LOGGED_SLOTS],
  'plain-slots': PLAIN_SLOTS,
  'dma+': [noncoherent(true)],
  'dma-': [noncoherent(false)],
  'cd0+': [cd(true)],
  'cd0-': [cd(false)],
  'cd1+': [cd(true, { vcpu: 1 })],
  'cd1-': [cd(false, { vcpu: 1 })],
  off0: [wrmsr(MSR.DEF_TYPE, defType(MT.WP, { e: false }))],
  on0: [enabled(MT.WP, 0, false)],
  fixed0: [enabled(MT.WP, 0, true)],
  off1: [wrmsr(MSR.DEF_TYPE, defType(MT.WB, { e: false }), { vcpu: 1 })],
  on1: [enabled(MT.WC, 1, false)],
  fixed1: [enabled(MT.WC, 1, true)],
  ranges0: [mask(0, false), mask(1, false), base(0, MT.WB), base(1, MT.WT)],
  ranges1: [mask(1, false), mask(0, true)],
  ranges2: [mask(0, true), mask(1, true)],
  far: [
    wrmsr(MSR.PHYSMASK0 + 4, addressMask(PAGE, 36)),
    wrmsr(MSR.PHYSBASE0 + 4, (ALL + mib(64)) | BigInt(MT.UC)),
  ],
  fix: [wrmsr(MSR.FIX4K_C8000, typeBytes(MT.UC))],
  'fix-types': [
    wrmsr(MSR.FIX64K_00000, typeBytes(MT.WT)),
    wrmsr(MSR.FIX16K_80000, typeBytes(MT.WC)),
    wrmsr(MSR.FIX4K_C0000, typeBytes(MT.WB)),
  ],
  pat: [wrmsr(MSR.PAT, 0x0007_0106_0007_0406n)],
  'pat-1': [wrmsr(MSR.PAT, 0x0007_0106_0007_0406n, { vcpu: 1 })],
  'slot+': [memslot(12, mib(96), 1)],
  'slot-': [deleteMemslot(12)],
  log: [getDirtyLog(10)],
  discard: [discard(mib(5), 1)],
  'discard-first': [discard(0x5000n, 1)],
  'discard-other': [discard(mib(7), 1)],
  'quirk-cd': [disableQuirk('cd-nw-cleared')],
  'quirk-pat': [disableQuirk('ignore-guest-pat')],
};

const ACCESSES = { r: 'read', w: 'write', x: 'fetch', n: 'read', m: 'write' } as const;
const TOUCH = /^([rwxnm])([01])\.(.+)$/;

/**
 * The steps of one move: the name of a change, or a touch such as `w1.high`. Its first letter is the access (read, write, x for
 * fetch; n and m for a read and a write of L2), its digit the vCPU, and the rest names the page.
 */
export function stepsOf(move: string): readonly Step[] {
  const change = CHANGES[move];
  if (change !== undefined) return change;
  const [, how, vcpu, page] = TOUCH.exec(move) as unknown as [string, keyof typeof ACCESSES, string, string];
  const gpa = PAGES[page] as bigint;
  const o = { vcpu: Number(vcpu) } as const;
  if (how === 'r' || how === 'w' || how === 'x') return [touch(gpa, { ...o, access: ACCESSES[how] })];
  return [touchNested(gpa, { ...o, access: ACCESSES[how], size: page.includes('large') ? '2M' : '4K' })];
}
