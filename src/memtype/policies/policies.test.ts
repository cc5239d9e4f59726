import { describe, expect, it } from 'vitest';
import {
  KVM_X86_QUIRK_CD_NW_CLEARED,
  KVM_X86_QUIRK_IGNORE_GUEST_PAT,
  KVM_X86_QUIRK_SLOT_ZAP_ALL,
} from '../../arch/kvm-flags.js';
import { GFN_LIMIT } from '../../arch/units.js';
import type { PageView, Policy, VcpuView, VmView } from '../policy.js';
import { type MsrWrite, replayWrites } from '../sdm/config.js';
import { classifyMsr, type MtrrMsr } from '../sdm/msrs.js';
import { MtrrState } from '../sdm/mtrr.js';
import type { Rule } from '../types.js';
import { ALL_POLICIES, policies } from './index.js';
import { hasQuirk, supportedQuirks } from './quirks.js';
import { refusals } from './refusals.js';

const CD = KVM_X86_QUIRK_CD_NW_CLEARED;
const PAT = KVM_X86_QUIRK_IGNORE_GUEST_PAT;
const SLOT_FLAG = 1 << 3;

const writes = (list: Record<number, bigint>): MtrrState =>
  replayWrites(
    Object.entries(list).map(([msr, value]): MsrWrite => ({ msr: Number(msr), value })),
    40,
  );

/** Everything WP, so that a type that comes from the MTRRs shows. */
const WP = writes({ 767: 0xc05n, 592: 0x0505_0505_0505_0505n });

interface Setting {
  dma?: number;
  cd?: boolean;
  off?: number;
  snoop?: boolean;
  mmio?: boolean;
  flags?: number;
  mtrr?: MtrrState;
}

function views({ dma = 0, cd = false, off = 0, snoop = true, mmio = false, flags = 0, mtrr = WP }: Setting) {
  const vcpu: VcpuView = { id: 0, mtrr, pat: 0n, cd, maxphyaddr: 40, mtrrCpuid: true };
  const vm: VmView = {
    vcpus: [vcpu],
    noncoherent: dma,
    disabledQuirks: off,
    selfSnoop: snoop,
    memslotFlag: SLOT_FLAG,
    flagged: (flags & SLOT_FLAG) === 0 ? [] : [{ start: 2, end: 16 }],
  };
  const page: PageView = { gfn: 3, mmio, slotFlags: flags };
  return { vm, vcpu, page };
}

function decide(policy: Policy, setting: Setting): string {
  const { vm, vcpu, page } = views(setting);
  const { type, ipat } = policy.decide(vm, vcpu, page);
  return ipat ? `${type}+IPAT` : type;
}

const named = (name: string): Policy => policies.get(name) as Policy;
const A_LIKE = ['A-4.4', 'A', 'A-6.2', 'A-6.5', 'A+P2'];
const D_LIKE = ['D', 'D-6.13'];
const E_LIKE = [
  'E',
  'E-6.12',
  'E+P5-device',
  'E-6.12+P5-device',
  'E+P5-memslot',
  'E-6.12+P5-memslot',
  'E+P5',
  'E-6.12+P5',
];
const UNTYPED = ALL_POLICIES.filter(({ paging }) => paging !== 'ept').map(({ name }) => name);

// Which policies, in which situation, and the leaf that a fault makes.
const DECISIONS: readonly [string[], Setting, string][] = [
  [[...A_LIKE, 'B', 'C', ...D_LIKE, ...E_LIKE], { mmio: true }, 'UC'],
  [
    [...A_LIKE, 'B', 'C', ...D_LIKE, ...E_LIKE],
    { mmio: true, dma: 2, cd: true, off: CD | PAT, flags: SLOT_FLAG },
    'UC',
  ],
  [[...A_LIKE, 'B', ...D_LIKE, ...E_LIKE], {}, 'WB+IPAT'],
  [[...A_LIKE, 'B', ...D_LIKE], { cd: true, off: CD | PAT, flags: SLOT_FLAG }, 'WB+IPAT'],
  [[...A_LIKE, 'B'], { dma: 1 }, 'WP'],
  [[...A_LIKE, 'B'], { dma: 3, off: CD }, 'WP'],
  [A_LIKE, { dma: 1, cd: true }, 'WB+IPAT'],
  [['B'], { dma: 1, cd: true }, 'WB'],
  [[...A_LIKE, 'B'], { dma: 1, cd: true, off: CD }, 'UC+IPAT'],
  [['C'], {}, 'WB'],
  [['C'], { snoop: false }, 'WB+IPAT'],
  [['C'], { snoop: false, dma: 1 }, 'WB'],
  [['C', ...D_LIKE, ...E_LIKE], { dma: 1 }, 'WB'],
  [['C', ...D_LIKE, ...E_LIKE], { dma: 1, cd: true, off: CD }, 'WB'],
  [E_LIKE, { off: PAT }, 'WB'],
  [E_LIKE, { off: ~PAT & 0xfff }, 'WB+IPAT'],
  [E_LIKE, { off: PAT, snoop: false }, 'WB+IPAT'],
  [E_LIKE, { snoop: false }, 'WB+IPAT'],
  [E_LIKE, { snoop: false, dma: 1 }, 'WB'],
  [E_LIKE, { snoop: false, mmio: true }, 'UC'],
  [E_LIKE, { off: PAT, dma: 1 }, 'WB'],
  [['E+P5-memslot', 'E-6.12+P5-memslot', 'E+P5', 'E-6.12+P5'], { flags: SLOT_FLAG }, 'WB'],
  [['E+P5-memslot', 'E-6.12+P5-memslot'], { flags: SLOT_FLAG, dma: 1 }, 'WB'],
  [['A+P5-memslot-mtrr'], { flags: SLOT_FLAG, cd: true }, 'WP'],
  [['A+P5-memslot-mtrr'], { flags: SLOT_FLAG, dma: 1, cd: true, off: CD }, 'WP'],
  [['A+P5-memslot-mtrr'], { flags: SLOT_FLAG, mmio: true }, 'UC'],
  [['A+P5-memslot-mtrr'], {}, 'WB+IPAT'],
  [['A+P5-memslot-mtrr'], { dma: 1, cd: true }, 'WB+IPAT'],
  [['E', 'E+P5-device'], { flags: SLOT_FLAG }, 'WB+IPAT'],
  [UNTYPED, {}, 'none'],
  [UNTYPED, { dma: 1, mmio: true }, 'none'],
];

describe('decisions', () => {
  const rows = DECISIONS.flatMap(([names, setting, leaf]) =>
    names.map((name) => [name, setting, leaf] as const),
  );
  it.each(rows)('%s %o: %s', (name, setting, leaf) => {
    expect(decide(named(name), setting)).toBe(leaf);
  });
});

const msr = (number: number): MtrrMsr => classifyMsr(number) as MtrrMsr;
const ALL = { start: 0, end: GFN_LIMIT };

const zapOf = (policy: Policy, number: number, setting: Setting): unknown => {
  const { vm, vcpu } = views(setting);
  return policy.zaps.mtrr(vm, vcpu, msr(number));
};

describe('zaps of MTRR writes', () => {
  const on = { 767: 0xc06n };
  const off = { 767: 0x406n };
  const noFixed = { 767: 0x806n };
  const RANGE = { 516: 0x0400_0006n, 517: 0xff_fc00_0000n };
  // MSR written, MTRRs after the write, what is zapped with non-coherent DMA.
  const ZAPS: readonly [number, Record<number, bigint>, unknown][] = [
    [0x2ff, on, ALL],
    [0x2ff, off, ALL],
    [0x250, on, { start: 0, end: 0x80 }],
    [0x259, on, { start: 0xa0, end: 0xc0 }],
    [0x26f, on, { start: 0xf8, end: 0x100 }],
    [0x250, noFixed, undefined],
    [0x250, off, undefined],
    [0x204, { ...RANGE, ...off }, undefined],
    [0x204, { ...RANGE, ...on }, { start: 0x4000, end: 0x8000 }],
    [0x205, { ...RANGE, ...on }, { start: 0x4000, end: 0x8000 }],
    [0x206, { 518: 0x1006n, ...on }, { start: 1, end: 0 }],
  ];

  it.each(ZAPS)('of 0x%s', (number, list, zapped) => {
    const mtrr = writes(list);
    for (const name of [...A_LIKE, 'B', 'npt-A', 'npt-A-4.4', 'npt-A-6.5']) {
      expect(zapOf(named(name), number, { mtrr, dma: 1 })).toEqual(zapped);
      expect(zapOf(named(name), number, { mtrr, dma: 0 })).toBeUndefined();
    }
    for (const name of [
      'C',
      ...D_LIKE,
      ...E_LIKE,
      'none',
      'none-A',
      'none-D-6.11',
      'npt',
      'npt-D-6.11',
      'npt-D',
    ]) {
      expect(zapOf(named(name), number, { mtrr, dma: 1 })).toBeUndefined();
    }
  });

  it('are those of vCPU 0 alone with one MTRR state per VM', () => {
    const { vm, vcpu } = views({ dma: 1, mtrr: writes(on) });
    const other: VcpuView = { ...vcpu, id: 1, mtrr: MtrrState.initial };
    const both: VmView = { ...vm, vcpus: [vcpu, other] };
    expect(named('A+P2').zaps.mtrr(both, other, msr(0x2ff))).toBeUndefined();
    expect(named('A').zaps.mtrr(both, other, msr(0x2ff))).toEqual(ALL);
    const page = { gfn: 0x300, mmio: false, slotFlags: 0 };
    expect(named('A+P2').decide(both, other, page).type).toBe('WB');
    expect(named('A').decide(both, other, page).type).toBe('UC');
    expect(named('A+P2').maxLevel(both, other, 0)).toBe(named('A+P2').maxLevel(both, vcpu, 0));
  });
});

// Policy, setting, CR0.CD zaps, non-coherent DMA zaps, memslot deletion zaps.
const OTHER_ZAPS: readonly [string[], Setting, boolean, boolean, 'all' | 'slot'][] = [
  [A_LIKE, { dma: 1 }, false, false, 'all'],
  [A_LIKE, { dma: 1, off: CD }, true, false, 'all'],
  [A_LIKE, { dma: 0, off: CD }, false, false, 'all'],
  [['npt-A', 'npt-A-4.4', 'npt-A-6.5', 'none-A'], { dma: 1, off: CD }, true, false, 'all'],
  [['none-D-6.11', 'npt-D-6.11', 'npt-D', 'npt-D-6.13'], { dma: 1, off: CD }, false, false, 'all'],
  [['npt', 'npt-E-6.12', 'none-D'], { dma: 1, off: PAT | CD }, false, false, 'all'],
  [['B'], { dma: 1 }, false, true, 'all'],
  [['B'], { dma: 1, off: CD | KVM_X86_QUIRK_SLOT_ZAP_ALL }, true, true, 'all'],
  [['C'], { dma: 1, off: CD | KVM_X86_QUIRK_SLOT_ZAP_ALL }, false, false, 'all'],
  [['C'], { dma: 1, snoop: false }, false, true, 'all'],
  [D_LIKE, { dma: 1, off: CD }, false, true, 'all'],
  [[...D_LIKE, ...E_LIKE, 'none'], { off: KVM_X86_QUIRK_SLOT_ZAP_ALL }, false, true, 'slot'],
  [['npt', 'npt-D', 'none-D'], { off: KVM_X86_QUIRK_SLOT_ZAP_ALL }, false, false, 'slot'],
  [E_LIKE, { dma: 1, off: CD }, false, true, 'all'],
  [[...E_LIKE, 'npt', 'none'], { dma: 1, off: PAT }, false, false, 'all'],
];

describe('other zaps', () => {
  const rows = OTHER_ZAPS.flatMap(([names, ...rest]) => names.map((name) => [name, ...rest] as const));
  it.each(rows)('%s %o: CD %s, DMA %s, memslot %s', (name, setting, cr0, dma, memslot) => {
    const { vm } = views(setting);
    const { zaps } = named(name);
    expect([zaps.cr0(vm), zaps.noncoherent(vm), zaps.memslot(vm)]).toEqual([cr0, dma, memslot]);
  });
});

describe('levels', () => {
  const split = writes({ 767: 0x806n, 512: 0x20_0000n, 513: 0xff_ffff_f800n });
  const whole = writes({ 767: 0x806n, 512: 0x20_0000n, 513: 0xff_ffe0_0800n });

  it.each([...A_LIKE, 'B', 'npt-A-4.4'])('%s looks for one type over the whole leaf', (name) => {
    const level = (setting: Setting, gfn: number): number => {
      const { vm, vcpu } = views(setting);
      return named(name).maxLevel(vm, vcpu, gfn);
    };
    expect(level({ dma: 1, mtrr: split }, 0x200)).toBe(1);
    expect(level({ dma: 1, mtrr: split }, 0x3ff)).toBe(1);
    expect(level({ dma: 1, mtrr: split }, 0x400)).toBe(2);
    expect(level({ dma: 1, mtrr: split }, 0x40000)).toBe(3);
    expect(level({ dma: 1, mtrr: whole }, 0x200)).toBe(2);
    // Up to 5.19 whether or not that type counts.
    const always = ['A-4.4', 'npt-A-4.4'].includes(name);
    expect(level({ dma: 0, mtrr: split }, 0x200)).toBe(always ? 1 : 3);
    expect(level({ dma: 0, mtrr: split }, 0x40000)).toBe(3);
  });

  it.each(['C', ...D_LIKE, ...E_LIKE, 'none', 'none-A', 'npt', 'npt-A'])('%s has no such limit', (name) => {
    const { vm, vcpu } = views({ dma: 1, mtrr: split });
    expect(named(name).maxLevel(vm, vcpu, 0x200)).toBe(3);
  });
});

describe('errata of a page', () => {
  // WB [0, 16M) and UC [12M, 16M): D1 at 12M.
  const d1 = writes({ 767: 0x800n, 512: 6n, 513: 0xff_ff00_0800n, 514: 0xc0_0000n, 515: 0xff_ffc0_0800n });
  const at = (name: string, setting: Setting, gfn = 0xc00): string[] => {
    const { vm, vcpu, page } = views({ mtrr: d1, dma: 1, ...setting });
    return named(name).errata(vm, vcpu, { ...page, gfn });
  };

  it.each([...A_LIKE, 'B'])('%s names D1 where its MTRRs decide', (name) => {
    expect(at(name, {})).toEqual(['D1']);
    expect(at(name, {}, 0xbff)).toEqual([]);
    expect(at(name, { dma: 0 })).toEqual([]);
    expect(at(name, { cd: true })).toEqual([]);
    expect(at(name, { mmio: true })).toEqual([]);
  });

  it.each(['C', ...D_LIKE, ...E_LIKE, ...UNTYPED])('%s has none', (name) => {
    expect(at(name, {})).toEqual([]);
  });
});

describe('the earlier spelling of the memslot flag', () => {
  const policy = named('A+P5-memslot-mtrr');
  const BOTH = writes({ 767: 0xc06n, 592: 0x0006_0006_0006_0006n });

  it('has MTRR writes zap while a slot has it, without non-coherent DMA', () => {
    expect(zapOf(policy, 0x2ff, { flags: SLOT_FLAG })).toEqual(ALL);
    expect(zapOf(policy, 0x2ff, {})).toBeUndefined();
  });

  it('maps a flagged slot in leaves of one MTRR type each, and others as large as may be', () => {
    const levelAt = (gfn: number): number => {
      const { vm, vcpu } = views({ flags: SLOT_FLAG, mtrr: BOTH });
      return policy.maxLevel(vm, vcpu, gfn);
    };

    expect([levelAt(1), levelAt(2), levelAt(15), levelAt(16)]).toEqual([3, 1, 1, 3]);
  });

  it('tells the errata of a flagged page whether or not there is non-coherent DMA', () => {
    // WB at 0 to 64 MiB below UC at 48 to 64 MiB: D1.
    const D1 = writes({ 767: 0x806n, 512: 6n, 513: 0xff_fc00_0800n, 514: 0x300_0000n, 515: 0xff_ff00_0800n });
    const errata = (flags: number): unknown => {
      const { vm, vcpu, page } = views({ flags, mtrr: D1 });
      return policy.errata(vm, vcpu, { ...page, gfn: 0x3000 });
    };

    expect([errata(SLOT_FLAG), errata(0)]).toEqual([['D1'], []]);
  });
});

describe('MSR routing', () => {
  const WIDE = [
    ...['A-4.4', 'A', 'A-6.2', 'A+P2', 'A+P5-memslot-mtrr'],
    ...['none-A-4.4', 'none-A', 'npt-A-4.4', 'npt-A', 'npt-A-6.2'],
  ];
  it.each(ALL_POLICIES.map((policy) => [policy.name]))('%s', (name) => {
    const { msrs } = named(name);
    const wide = WIDE.includes(name);
    const reached = [0x1ff, 0x200, 0x210, 0x26f, 0x270, 0x27f, 0x280, 0x29f, 0x2a0, 0x2fe, 0x2ff, 0x300].map(
      msrs.invalidNotUnknown,
    );
    const old = [false, true, true, true, true, true, false, false, true, true, true, false];
    const young = [false, true, true, true, false, false, false, false, false, false, true, false];
    expect(reached).toEqual(wide ? old : young);
    expect(msrs.masksReservedOnRead).toBe(wide || /(^|-)(A-6\.5|B|B-6\.7)$/.test(name));
  });
});

describe('the list', () => {
  it('gives every name and alias to one policy', () => {
    const names = ALL_POLICIES.flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
    expect(policies.size).toBe(names.length);
    for (const policy of ALL_POLICIES) {
      for (const name of [policy.name, ...policy.aliases]) expect(policies.get(name)).toBe(policy);
    }
  });

  it('takes kernel versions for the policy that they have', () => {
    const aliases: Record<string, string> = {
      'A-4.4': '4.4 4.19 5.4 5.10 5.15',
      A: '6.0 6.1',
      'A-6.2': '6.2 6.3 6.4',
      'A-6.5': '6.5 6.6',
      B: '6.8 6.9 6.10',
      'B-6.7': '6.7',
      C: '6.11-rc',
      'D-6.11': '6.11',
      D: '6.12.0',
      'D-6.13': '6.13 6.14 6.15',
      'E-6.12': '6.12 6.12.78',
      E: '6.16 6.17 6.18 6.19 7.0 7.1 7.2 7.3',
      'A+P2': 'P2 6.1+P2',
    };
    for (const [name, list] of Object.entries(aliases)) {
      expect(named(name).aliases).toEqual(list.split(' '));
      for (const alias of list.split(' ')) expect(named(alias).name).toBe(name);
    }
  });

  it('says what each one is', () => {
    for (const { title, kernels } of ALL_POLICIES) {
      expect(title).toMatch(/\w{3}/);
      expect(kernels).toMatch(/^(\d|none)/);
    }
  });

  // Name, one alias, paging, quirks supported, disabled at creation, update, dirtyLogOff, virtio, memslot flag.
  it.each([
    ['A-4.4', '5.10', 'ept', 0x1f, 0, 'assign', 'zap', false, false],
    ['A', '6.1', 'ept', 0x7f, 0, 'assign', 'zap', false, false],
    ['A-6.2', '6.3', 'ept', 0x7f, 0, 'assign', 'zap', false, false],
    ['B-6.7', '6.7', 'ept', 0x7f, 0, 'assign', 'zap', false, false],
    ['A-6.5', '6.6', 'ept', 0x7f, 0, 'assign', 'zap', false, false],
    ['B', '6.8', 'ept', 0x7f, 0, 'assign', 'zap', false, false],
    ['C', '6.11-rc', 'ept', 0x7f, 0, 'assign', 'zap', false, false],
    ['D-6.11', '6.11', 'ept', 0x7f, 0, 'assign', 'zap', false, false],
    ['D', '6.12.0', 'ept', 0xff, 0, 'assign', 'zap', false, false],
    ['D-6.13', '6.14', 'ept', 0x1ff, 0, 'assign', 'recover', false, false],
    ['E-6.12', '6.12', 'ept', 0x7ff, 2, 'or', 'zap', false, false],
    ['E', '7.2', 'ept', 0xfff, 2, 'or', 'recover', false, false],
    ['A+P2', '6.1+P2', 'ept', 0x7f, 0, 'assign', 'zap', false, false],
    ['E+P5-device', '7.2+P5-device', 'ept', 0xfff, 2, 'or', 'recover', true, false],
    ['E-6.12+P5-device', '6.12+P5-device', 'ept', 0x7ff, 2, 'or', 'zap', true, false],
    ['E+P5-memslot', '7.2+P5-memslot', 'ept', 0xfff, 2, 'or', 'recover', false, true],
    ['E-6.12+P5-memslot', '6.12+P5-memslot', 'ept', 0x7ff, 2, 'or', 'zap', false, true],
    ['E+P5', '7.2+P5', 'ept', 0xfff, 2, 'or', 'recover', true, true],
    ['E-6.12+P5', '6.12+P5', 'ept', 0x7ff, 2, 'or', 'zap', true, true],
    ['A+P5-memslot-mtrr', '6.1+P5-memslot-mtrr', 'ept', 0x7f, 0, 'assign', 'zap', false, true],
    ['none', 'none', 'shadow', 0xdff, 2, 'or', 'recover', false, false],
    ['none-A', 'none-A', 'shadow', 0x7f, 0, 'assign', 'zap', false, false],
    ['none-A-4.4', 'none-A-4.4', 'shadow', 0x1f, 0, 'assign', 'zap', false, false],
    ['none-D', 'none-D', 'shadow', 0xff, 0, 'assign', 'zap', false, false],
    ['none-E-6.12', 'none-E-6.12', 'shadow', 0x5ff, 2, 'or', 'zap', false, false],
    ['npt-D-6.11', 'npt-D-6.11', 'npt', 0x7f, 0, 'assign', 'zap', false, false],
    ['npt-E-6.12', 'npt-E-6.12', 'npt', 0x7ff, 0x200, 'or', 'zap', false, false],
    ['npt-D-6.13', 'npt-D-6.13', 'npt', 0x1ff, 0, 'assign', 'recover', false, false],
    ['npt', 'npt', 'npt', 0xfff, 0x200, 'or', 'recover', false, false],
    ['npt-A', 'npt-A', 'npt', 0x7f, 0, 'assign', 'zap', false, false],
    ['npt-A-4.4', 'npt-A-4.4', 'npt', 0x1f, 0, 'assign', 'zap', false, false],
  ])(
    '%s is also %s',
    (name, alias, paging, supported, disabledAtCreation, update, dirtyLogOff, virtioDevice, memslotFlag) => {
      expect(named(alias)).toBe(named(name));
      expect(named(name)).toMatchObject({
        name,
        paging,
        quirks: { supported, disabledAtCreation, update },
        dirtyLogOff,
        virtioDevice,
        memslotFlag,
      });
    },
  );
});

describe('why', () => {
  it('is told in full for every decision', () => {
    for (const [names, setting] of DECISIONS) {
      for (const name of names) {
        const why: Rule[] = [];
        const { vm, vcpu, page } = views(setting);
        named(name).decide(vm, vcpu, page, why);
        expect(why.length).toBeGreaterThan(0);
        for (const { text, source } of why) {
          expect(text).toMatch(/^[a-zA-Z].{14}/);
          expect(source).toMatch(/\(\)|KVM_MEM_/);
        }
      }
    }
  });

  const texts = (name: string, setting: Setting): string[] => {
    const why: Rule[] = [];
    const { vm, vcpu, page } = views(setting);
    named(name).decide(vm, vcpu, page, why);
    return why.map(({ text }) => text);
  };

  it.each([
    [
      'A',
      { dma: 1 },
      ['RAM, and non-coherent DMA: the MTRRs of vCPU 0 decide, IPAT 0', 'fixed range 0 says WP'],
    ],
    ['A', { dma: 1, cd: true }, ['CR0.CD=1 and the quirk CD_NW_CLEARED is on: WB, IPAT 1']],
    ['B', { dma: 1, cd: true }, ['CR0.CD=1 and the quirk CD_NW_CLEARED is on: WB, IPAT 0']],
    ['B', { dma: 1, cd: true, off: CD }, ['CR0.CD=1 and the quirk CD_NW_CLEARED is disabled: UC, IPAT 1']],
    ['E', {}, ['RAM, no non-coherent DMA device, and the quirk IGNORE_GUEST_PAT is on: WB, IPAT 1']],
    [
      'E',
      { off: PAT },
      ['RAM, and the quirk IGNORE_GUEST_PAT is disabled: the guest PAT decides: WB, IPAT 0'],
    ],
    [
      'E',
      { snoop: false },
      [
        'RAM, no non-coherent DMA device, and a CPU without self-snoop, where the PAT is always ignored: WB, IPAT 1',
      ],
    ],
    ['D', { mmio: true }, ['the frame behind the page is host MMIO: UC, IPAT 0']],
    [
      'A+P5-memslot-mtrr',
      { flags: SLOT_FLAG },
      ['the memslot has the flag: the MTRRs of vCPU 0 decide, IPAT 0', 'fixed range 0 says WP'],
    ],
  ])('%s %o', (name, setting, expected) => {
    expect(texts(name, setting)).toEqual(expected);
  });
});

describe('hasQuirk', () => {
  it('is true until the quirk is disabled', () => {
    const { vm } = views({ off: CD | PAT });
    expect([CD, PAT, KVM_X86_QUIRK_SLOT_ZAP_ALL].map((quirk) => hasQuirk(vm, quirk))).toEqual([
      false,
      false,
      true,
    ]);
  });
});

describe('supportedQuirks', () => {
  it('lack IGNORE_GUEST_PAT on an Intel CPU without self-snoop', () => {
    for (const policy of ALL_POLICIES) {
      const { supported } = policy.quirks;
      const expected = E_LIKE.includes(policy.name) ? supported - PAT : supported;
      expect([supportedQuirks(policy, true), supportedQuirks(policy, false)]).toEqual([supported, expected]);
    }
  });
});

describe('refusals', () => {
  const of = (name: string, disabledQuirks: number, slotFlag = false): string[] =>
    refusals(named(name), { disabledQuirks, slotFlag }).map(({ what }) => what);

  it('name every quirk that the kernel does not know, by its bit', () => {
    expect(of('A', 0x282)).toEqual(['quirk 0x80 (SLOT_ZAP_ALL)', 'quirk 0x200 (IGNORE_GUEST_PAT)']);
    expect(of('A-4.4', 0x60)).toEqual([
      'quirk 0x20 (FIX_HYPERCALL_INSN)',
      'quirk 0x40 (MWAIT_NEVER_UD_FAULTS)',
    ]);
    expect(of('E', 0x8000_1000)).toEqual(['quirk 0x1000', 'quirk 0x80000000']);
    expect(of('none', 0x202)).toEqual(['quirk 0x200 (IGNORE_GUEST_PAT)']);
    expect(of('E', 0xfff)).toEqual([]);
    expect(of('A', 0)).toEqual([]);
  });

  it('tell what the CPU takes away from what the kernel does not know', () => {
    const by = (name: string, selfSnoop: boolean): string[] =>
      refusals(named(name), { disabledQuirks: 0x202, slotFlag: false, selfSnoop }).map(
        (refusal) => refusal.by,
      );
    expect([by('E', true), by('E', false), by('D', false), by('npt', false)]).toEqual([
      [],
      ['cpu'],
      ['kernel'],
      [],
    ]);
  });

  it('name the memslot flag where there is none', () => {
    expect(of('E', 0, true)).toEqual(['the memslot flag of proposal P5']);
    expect(of('E+P5', 0, true)).toEqual([]);
    expect(of('D', 0x200, true).length).toBe(2);
  });
});
