// One named test per departure: what a guest and its VMM do, what the kernel makes of it, and a kernel that does not.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ERRATA, type ErratumId } from './errata.js';
import type { Effect, ModelEvent } from './model/events.js';
import type { Leaf } from './model/leaves.js';
import { VmModel } from './model/vm-model.js';
import { policies } from './policies/index.js';
import { mayRepeatGp } from './policies/msr-routing.js';
import type { Policy } from './policy.js';

const M = 256;
const RAM: ModelEvent = { kind: 'memslot', slot: 0, gfn: 0, npages: 16 * M, backing: 'ram', flags: 0 };
const ADD: ModelEvent = { kind: 'noncoherent', delta: 1 };
const DEL: ModelEvent = { kind: 'noncoherent', delta: -1 };
const wrmsr = (msr: number, value: bigint, vcpu = 0): ModelEvent => ({
  kind: 'wrmsr',
  vcpu,
  msr,
  value,
  by: 'guest',
});
const touch = (gfn: number, vcpu = 0): ModelEvent => ({ kind: 'access', vcpu, gfn, access: 'read' });
const cr0 = (cd: boolean, by: 'guest' | 'host'): ModelEvent => ({
  kind: 'cr0',
  vcpu: 0,
  value: cd ? 0xc000_0001n : 0x8000_0001n,
  by,
});
const quirks = (mask: number): ModelEvent => ({ kind: 'disable-quirks', mask });
const CD_QUIRK = 2;
const PAT_QUIRK = 0x200;
const ON = wrmsr(0x2ff, 0x806n);
const range = (n: number, base: bigint, mask: bigint): ModelEvent[] => [
  wrmsr(0x200 + 2 * n, base),
  wrmsr(0x201 + 2 * n, mask | 0x800n),
];

function run(kernel: string, events: ModelEvent[]): { vm: VmModel; last: Effect } {
  const vm = new VmModel(policies.get(kernel) as Policy, { vcpus: 2, maxphyaddr: 36 });
  const effects = [RAM, ...events].map((event) => vm.apply(event));
  return { vm, last: effects.at(-1) as Effect };
}

const show = (leaf: Leaf | undefined): string | undefined =>
  leaf && `${leaf.type}${leaf.ipat ? '+IPAT' : ''}`;
const mapped = (vm: VmModel, gfn: number): string | undefined => show(vm.leafAt(gfn));
const fresh = (vm: VmModel, gfn: number): string | undefined => show(vm.expectedLeaf(0, gfn));

describe('D: how the type is read out of the MTRRs, up to 6.10', () => {
  const read = (events: ModelEvent[], gfn: number): [string | undefined, string[]] => {
    const { vm, last } = run('6.1', [ADD, ...events, ON, touch(gfn)]);
    return [mapped(vm, gfn), last.notes];
  };

  it('D1: UC [12M, 16M) over WB [0, 16M) is WB', () => {
    const events = [...range(0, 6n, 0xf_ff00_0000n), ...range(1, 0xc0_0000n, 0xf_ffc0_0000n)];
    expect(read(events, 12 * M)).toEqual(['WB', ['D1']]);
    expect(read(events, 11 * M)).toEqual(['WB', []]);
  });

  it('D2: WC over WB is WB', () => {
    expect(read([...range(0, 6n, 0xf_ff00_0000n), ...range(1, 1n, 0xf_fff0_0000n)], 0)).toEqual([
      'WB',
      ['D2'],
    ]);
  });

  it('D3: a base of 4K with a mask of 1M leaves page 0 out', () => {
    const events = range(0, 0x1001n, 0xf_fff0_0000n);
    expect(read(events, 0)).toEqual(['WB', ['D3']]);
    expect(read(events, 1)).toEqual(['WC', []]);
  });

  it('D4: a hole in the mask is covered', () => {
    const events = range(0, 1n, 0xf_ffd0_0000n);
    expect(read(events, M)).toEqual(['WC', ['D4']]);
    expect(read(events, 2 * M)).toEqual(['WC', []]);
    expect(read(events, 3 * M)).toEqual(['WB', []]);
  });

  it('D5: PHYSBASE before any PHYSMASK gives an empty zap, and a host warning', () => {
    const { last } = run('6.1', [ADD, ON, touch(5), wrmsr(0x200, 0x5006n)]);
    expect(last).toMatchObject({ zapCalls: [{ start: 5, end: 0 }], zapped: [], notes: ['D5'] });
    expect(run('6.1', [ADD, ON, wrmsr(0x201, 0xf_ffff_f000n), wrmsr(0x200, 0x5006n)]).last.notes).toEqual([]);
    expect(run('6.1', [ADD, ON, wrmsr(0x200, 6n)]).last).toMatchObject({
      zapCalls: [{ start: 0, end: 0 }],
      notes: ['D5'],
    });
    expect(run('6.1', [ADD, wrmsr(0x200, 0x5006n)]).last.zapCalls).toEqual([]);
    expect(run('6.12', [ADD, ON, wrmsr(0x200, 0x5006n)]).last.notes).toEqual([]);
  });

  it('D6: reserved bits of a variable MTRR may give two #GPs up to 5.19, an illegal type does not', () => {
    const twice = (kernel: string, msr: number, value: bigint) =>
      mayRepeatGp((policies.get(kernel) as Policy).msrs, msr, value, 36);
    const above = 1n << 36n;
    const values: [number, bigint][] = [
      [0x200, above],
      [0x201, above],
      [0x200, 0x106n],
      [0x200, above | 2n],
      [0x2ff, 0x100n],
      [0x201, 0x800n],
    ];

    expect(values.map(([msr, value]) => twice('5.10', msr, value))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
    expect(values.map(([msr, value]) => twice('6.1', msr, value))).toEqual(Array(6).fill(false));
  });
});

describe('s: leaves that stay though their inputs changed', () => {
  it('s1: up to 6.6, non-coherent DMA comes and goes without a zap', () => {
    const { vm, last } = run('6.1', [touch(1), ADD]);
    expect([mapped(vm, 1), fresh(vm, 1), last.notes]).toEqual(['WB+IPAT', 'UC', ['s1']]);
    const gone = run('6.1', [ADD, touch(1), DEL]);
    expect([mapped(gone.vm, 1), fresh(gone.vm, 1), gone.last.notes]).toEqual(['UC', 'WB+IPAT', ['s1']]);
    const later = run('6.8', [touch(1), ADD]);
    expect([mapped(later.vm, 1), later.last.notes]).toEqual([undefined, []]);
    expect(run('6.1', [ADD]).last.notes).toEqual([]);
  });

  it.each([
    ['6.1', 'WB+IPAT'],
    ['6.8', 'WB'],
  ])('s2: on %s, a page touched with CD=1 keeps that type after CD=0', (kernel, type) => {
    const uncached = [ADD, wrmsr(0x2ff, 0x801n), cr0(true, 'guest'), touch(1)];
    const { vm, last } = run(kernel, [...uncached, cr0(false, 'guest')]);
    expect([mapped(vm, 1), fresh(vm, 1), last.notes]).toEqual([type, 'WC', ['s2']]);
    const off = run(kernel, [quirks(CD_QUIRK), ...uncached, cr0(false, 'guest')]);
    expect([mapped(off.vm, 1), off.last.notes]).toEqual([undefined, []]);
  });

  it('s3: from 6.16, disabling IGNORE_GUEST_PAT leaves IPAT in old leaves', () => {
    for (const kernel of ['7.2', '6.12']) {
      const { vm, last } = run(kernel, [touch(1), quirks(PAT_QUIRK)]);
      expect([mapped(vm, 1), fresh(vm, 1), last.notes]).toEqual(['WB+IPAT', 'WB', ['s3']]);
    }
    expect(run('7.2', [touch(1), quirks(1)]).last.notes).toEqual([]);
  });

  it('s4: from 6.16, a device added after that zaps nothing either', () => {
    const { vm, last } = run('7.2', [touch(1), quirks(PAT_QUIRK), ADD]);
    expect([mapped(vm, 1), fresh(vm, 1), last.zapped, last.notes]).toEqual(['WB+IPAT', 'WB', [], ['s4']]);
    expect(run('6.12', [touch(1), quirks(PAT_QUIRK), ADD]).last.notes).toEqual(['s4']);
    expect(run('7.2', [touch(1), ADD]).last.zapped.length).toBe(1);
  });

  it('s5: from 6.16, the end of dirty logging spreads the IPAT of one page over 2M', () => {
    const log = (on: boolean): ModelEvent => ({ kind: 'dirty-log', slot: 0, on });
    const { last } = run('7.2', [log(true), touch(0x201), quirks(PAT_QUIRK), touch(0x205), log(false)]);
    expect(last.mayMerge).toMatchObject([{ gfn: 0x200, level: 2, type: 'WB', ipat: true }]);
    expect(last.notes).toEqual(['s5']);
    const other = run('7.2', [log(true), touch(0x205), quirks(PAT_QUIRK), touch(0x201), log(false)]).last;
    expect(other.mayMerge).toMatchObject([{ ipat: false }]);
    const uniform = [touch(0x401), touch(0x402)];
    const beside = run('7.2', [
      log(true),
      touch(0x201),
      ...uniform,
      quirks(PAT_QUIRK),
      touch(0x205),
      log(false),
    ]).last;
    expect([beside.mayMerge.length, beside.notes]).toEqual([2, ['s5']]);
    expect(
      run('6.12', [log(true), touch(0x201), quirks(PAT_QUIRK), touch(0x205), log(false)]).last,
    ).toMatchObject({
      mayMerge: [],
      notes: [],
    });
  });

  it('s6: up to 6.10, a range that is moved or shrunk zaps its new place only', () => {
    const before = [
      ADD,
      ON,
      ...range(0, 0x40_0001n, 0xf_ffc0_0000n),
      touch(4 * M),
      touch(6 * M),
      touch(8 * M),
    ];
    const moved = run('6.1', [...before, wrmsr(0x200, 0x80_0001n)]);
    expect(moved.last.zapped.map(({ gfn }) => gfn)).toEqual([8 * M]);
    expect([mapped(moved.vm, 4 * M), fresh(moved.vm, 4 * M), moved.last.notes]).toEqual(['WC', 'WB', ['s6']]);
    const shrunk = run('6.8', [...before, wrmsr(0x201, 0xf_ffe0_0800n)]);
    expect(shrunk.last.zapped.map(({ gfn }) => gfn)).toEqual([4 * M]);
    expect([mapped(shrunk.vm, 6 * M), fresh(shrunk.vm, 6 * M), shrunk.last.notes]).toEqual([
      'WC',
      'WB',
      ['s6'],
    ]);
    expect(run('6.1', [...before, wrmsr(0x2ff, 0x804n)]).last.notes).toEqual([]);
  });

  it('s7: up to 6.10, KVM_SET_SREGS changes CD without a zap, whatever the quirk', () => {
    for (const kernel of ['6.1', '6.8']) {
      const { vm, last } = run(kernel, [ADD, ON, quirks(CD_QUIRK), touch(1), cr0(true, 'host')]);
      expect([mapped(vm, 1), fresh(vm, 1), last.notes]).toEqual(['WB', 'UC+IPAT', ['s7']]);
    }
    expect(run('7.2', [ADD, touch(1), cr0(true, 'host')]).last.notes).toEqual([]);
  });
});

describe('s8: the page tables of a vCPU that are to go', () => {
  const preFault = (vcpu: number): ModelEvent => ({ kind: 'pre-fault', vcpu, gfn: 1, npages: 2 });
  const more: ModelEvent = { ...RAM, slot: 1, gfn: 32 * M };
  const gone: ModelEvent[] = [touch(1), more, { ...more, npages: 0 }];

  it.each([
    ['6.12', 'EINTR'],
    ['6.12.0', 'EINTR'],
    ['6.13', 'EINTR'],
    ['7.2', undefined],
  ])('on %s, faulting in ahead ends in %s', (kernel, errno) => {
    const { vm, last } = run(kernel, [...gone, preFault(0)]);
    expect([last.refused, last.notes, mapped(vm, 1)]).toEqual(
      errno === undefined ? [undefined, [], 'WB+IPAT'] : [errno, ['s8'], undefined],
    );
  });

  it.each<[string, ModelEvent[]]>([
    ['the vCPU ran', [touch(2)]],
    ['the vCPU ran for another reason', [{ kind: 'run', vcpus: [0] }]],
    ['the VMM gave it another CR0', [cr0(true, 'host')]],
    ['the slot went alone', []],
  ])('not if %s', (why, between) => {
    const quirk = why === 'the slot went alone' ? [quirks(0x80)] : [];
    const { last } = run('6.12', [...quirk, ...gone, ...between, preFault(0)]);
    expect(last.refused).toBeUndefined();
  });

  it('nor by what another vCPU did', () => {
    expect(run('6.12', [...gone, touch(2, 1), preFault(0)]).last.refused).toBe('EINTR');
  });
});

describe('P3: vCPUs that disagree', () => {
  it('the first to fault decides for all', () => {
    const { vm, last } = run('6.1', [ADD, ON, touch(1), touch(1, 1)]);
    expect([mapped(vm, 1), show(vm.expectedLeaf(1, 1)), last.notes]).toEqual(['WB', 'UC', ['P3']]);
    expect(run('A+P2', [ADD, ON, touch(1), touch(1, 1)]).last).toMatchObject({ notes: [] });
  });
});

describe('ERRATA', () => {
  it('are all described in docs/errata.md', () => {
    const text = readFileSync(new URL('../../docs/errata.md', import.meta.url), 'utf8');
    for (const id of ERRATA.keys()) expect(text).toContain(`**${id}`);
  });

  it('says of each what it is, in which kernels, and where', () => {
    const ids: ErratumId[] = [
      'D1',
      'D2',
      'D3',
      'D4',
      'D5',
      'D6',
      's1',
      's2',
      's3',
      's4',
      's5',
      's6',
      's7',
      's8',
      'P3',
    ];
    expect([...ERRATA.keys()]).toEqual(ids);
    for (const [id, erratum] of ERRATA) {
      expect(erratum.id).toBe(id);
      expect(erratum.title).toMatch(/\w+ \w+ \w+/);
      expect(erratum.kernels).toMatch(/^(up to \d|\d\.\d+ (and later|to \d))/);
      expect(erratum.source).toMatch(/\(\).*\d\.\d/);
    }
  });
});
