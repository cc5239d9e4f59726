import { describe, expect, it } from 'vitest';
import { policies } from '../policies/index.js';
import type { Policy } from '../policy.js';
import type { Level } from '../types.js';
import {
  type AccessEvent,
  type Effect,
  MEM_LOG_DIRTY_PAGES,
  MEM_READONLY,
  ModelError,
  type ModelEvent,
} from './events.js';
import type { Leaf } from './leaves.js';
import { VmModel } from './vm-model.js';
import type { ModelOptions } from './vm-state.js';

const CD = 1n << 30n;
const NW = 1n << 29n;
const PG = 1n << 31n;
const slotEvent = (
  slot: number,
  gfn: number,
  npages: number,
  flags = 0,
  backing: 'ram' | 'mmio' = 'ram',
): ModelEvent => ({
  kind: 'memslot',
  slot,
  gfn,
  npages,
  backing,
  flags,
});
const wrmsr = (msr: number, value: bigint, vcpu = 0, by: 'guest' | 'host' = 'guest'): ModelEvent => ({
  kind: 'wrmsr',
  vcpu,
  msr,
  value,
  by,
});
const touch = (gfn: number, rest: Partial<AccessEvent> = {}): AccessEvent => ({
  kind: 'access',
  vcpu: 0,
  gfn,
  access: 'read',
  ...rest,
});
const cr0 = (value: bigint, by: 'guest' | 'host' = 'guest', vcpu = 0): ModelEvent => ({
  kind: 'cr0',
  vcpu,
  value: value | 1n,
  by,
});
const ADD: ModelEvent = { kind: 'noncoherent', delta: 1 };
const DEL: ModelEvent = { kind: 'noncoherent', delta: -1 };
const log = (on: boolean): ModelEvent => ({ kind: 'dirty-log', slot: 0, on });
const off = (mask: number): ModelEvent => ({ kind: 'disable-quirks', mask });

function model(name: string, events: ModelEvent[] = [], options: Partial<ModelOptions> = {}): VmModel {
  const vm = new VmModel(policies.get(name) as Policy, { vcpus: 2, maxphyaddr: 40, ...options });
  for (const event of [slotEvent(0, 0, 0x1000), slotEvent(1, 0x8000, 0x10, 0, 'mmio'), ...events])
    vm.apply(event);
  return vm;
}

const show = ({ gfn, level, type, ipat }: Leaf): string =>
  `${gfn.toString(16)}/${level} ${type}${ipat ? '+IPAT' : ''}`;
const made = (effect: Effect): string[] => effect.made.map(show);
const zapped = (effect: Effect): string[] => effect.zapped.map(show);

describe('access', () => {
  it('makes a leaf once, with its rules and its bound', () => {
    const vm = model('6.1');
    const [leaf] = vm.apply(touch(5)).made;
    expect(leaf).toMatchObject({ gfn: 5, level: 1, type: 'WB', ipat: true, vcpu: 0, maxLevel: 2 });
    expect(leaf?.why.length).toBe(1);
    expect(vm.apply(touch(5, { access: 'write', vcpu: 1 }))).toMatchObject({
      made: [],
      zapped: [],
      notes: [],
      why: [],
    });
    expect(vm.leafAt(5)).toBe(leaf);
    expect(vm.leafAt(6)).toBeUndefined();
    expect(vm.leaves()).toEqual([leaf]);
  });

  it('makes none without a memslot, nor for a write to a read-only one', () => {
    const vm = model('7.2', [slotEvent(2, 0x2000, 0x10, MEM_READONLY)]);
    expect(made(vm.apply(touch(0x1000)))).toEqual([]);
    expect(made(vm.apply(touch(0x2000, { access: 'write' })))).toEqual([]);
    expect(made(vm.apply(touch(0x2000)))).toEqual(['2000/1 WB+IPAT']);
    expect(made(vm.apply(touch(0x3, { access: 'write' })))).toEqual(['3/1 WB+IPAT']);
    expect(vm.expectedLeaf(0, 0x1000)).toBeUndefined();
    expect(vm.expectedLeaf(0, 0x2000, 'write')).toBeUndefined();
    expect(vm.expectedLeaf(0, 0x2001)).toMatchObject({ gfn: 0x2001, level: 1, type: 'WB' });
  });

  it('maps host MMIO UC', () => {
    expect(made(model('6.1').apply(touch(0x8003)))).toEqual(['8003/1 UC']);
    expect(made(model('7.2', [ADD]).apply(touch(0x800f)))).toEqual(['800f/1 UC']);
    expect(made(model('7.2', [ADD]).apply(touch(0x8010)))).toEqual([]);
  });

  it('has no type on AMD, and no leaf with shadow paging', () => {
    expect(made(model('npt', [ADD]).apply(touch(3)))).toEqual(['3/1 none']);
    expect(made(model('none').apply(touch(3)))).toEqual([]);
    expect(model('none').expectedLeaf(0, 3)).toBeUndefined();
  });

  it('takes the level that was seen, over what it covers', () => {
    const vm = model('7.2', [touch(0x201), touch(0x3ff), touch(0x400)]);
    const effect = vm.apply(touch(0x234, { level: 2 }));
    expect([made(effect), zapped(effect)]).toEqual([['200/2 WB+IPAT'], ['201/1 WB+IPAT', '3ff/1 WB+IPAT']]);
    expect(made(vm.apply(touch(0x3ff)))).toEqual([]);
  });

  it('bounds the level by slot, host, dirty log, type, and fetches under nx_huge_pages', () => {
    const bound = (vm: VmModel, gfn: number, access: AccessEvent['access'] = 'read'): Level | undefined =>
      vm.expectedLeaf(0, gfn, access)?.maxLevel;
    expect(bound(model('7.2'), 0x200)).toBe(2);
    expect(bound(model('7.2'), 0x8000)).toBe(1);
    expect(bound(model('7.2', [log(true)]), 0x200)).toBe(1);
    expect(bound(model('7.2'), 0x200, 'fetch')).toBe(2);
    expect(bound(model('7.2', [], { nxHugePages: true }), 0x200, 'fetch')).toBe(1);
    expect(bound(model('7.2', [], { nxHugePages: true }), 0x200, 'write')).toBe(2);
    const wc = [ADD, wrmsr(0x2ff, 0x806n), wrmsr(0x200, 0x20_1001n), wrmsr(0x201, 0xff_ffff_f800n)];
    expect(bound(model('6.1', wc), 0x210)).toBe(1);
    expect(bound(model('6.1', wc), 0x410)).toBe(2);
  });

  it('refuses a vCPU that is not there', () => {
    expect(() => model('6.1').apply(touch(1, { vcpu: 2 }))).toThrow(new ModelError('the VM has no vCPU 2'));
    expect(() => model('6.1').rdmsr(-1, 0x277)).toThrow(ModelError);
    const error = new ModelError('x');
    expect([error.name, error.code]).toEqual(['ModelError', 'MEMTYPE_EVENT']);
  });
});

describe('stale leaves', () => {
  it('stay, and are reported with what a fault now would make', () => {
    const vm = model('6.1', [touch(3), ADD]);
    const effect = vm.apply(touch(3));
    expect(effect.made).toEqual([]);
    expect(effect.stale).toMatchObject({
      leaf: { type: 'WB', ipat: true },
      fresh: { type: 'UC', ipat: false },
    });
    expect(effect.notes).toEqual([]);
  });

  it('are P3 where only this vCPU would have made another one', () => {
    const vm = model('6.1', [ADD, wrmsr(0x2ff, 0x806n), touch(3)]);
    const effect = vm.apply(touch(3, { vcpu: 1 }));
    expect(effect.stale).toMatchObject({ fresh: { type: 'UC', ipat: false } });
    expect(effect.notes).toEqual(['P3']);
    expect(vm.apply(touch(3)).stale).toBeUndefined();
    vm.apply(touch(9, { vcpu: 1 }));
    expect(vm.apply(touch(9)).notes).toEqual(['P3']);
  });

  it('are not reported where the slot is gone', () => {
    const vm = model('6.1', [touch(3)]);
    vm.observeLeaf({ gfn: 0x5000, level: 1, type: 'WC', ipat: false });
    expect(vm.apply(touch(0x5000)).stale).toBeUndefined();
  });
});

describe('MSR writes', () => {
  it('zap what era A zaps, and tell the calls', () => {
    const vm = model('6.1', [ADD, wrmsr(0x2ff, 0xc06n), touch(0x7f), touch(0x80), touch(0x100)]);
    const fixed = vm.apply(wrmsr(0x258, 0x0606_0606_0606_0606n));
    expect(fixed).toMatchObject({ msr: 'ok', zapCalls: [{ start: 0x80, end: 0xa0 }] });
    expect(zapped(fixed)).toEqual(['80/1 UC']);
    expect(fixed.why[0]?.text).toBe('an MTRR write zaps what it covers');
    const def = vm.apply(wrmsr(0x2ff, 0xc06n, 0, 'host'));
    expect(zapped(def)).toEqual(['7f/1 UC', '100/1 WB']);
    expect(def.zapCalls).toEqual([{ start: 0, end: 2 ** 40 }]);
  });

  it('zap nothing without non-coherent DMA, nor from 6.11 on', () => {
    for (const vm of [model('6.1', [touch(1)]), model('7.2', [ADD, touch(1)])]) {
      expect(vm.apply(wrmsr(0x2ff, 0xc06n))).toMatchObject({ msr: 'ok', zapped: [], zapCalls: [], why: [] });
      expect(vm.rdmsr(0, 0x2ff)).toBe(0xc06n);
    }
  });

  it('of the PAT zap nothing, and say so', () => {
    const vm = model('6.1', [ADD, wrmsr(0x2ff, 0xc06n), touch(1)]);
    const effect = vm.apply(wrmsr(0x277, 0x0606_0606_0606_0606n));
    expect(effect).toMatchObject({ msr: 'ok', zapped: [], zapCalls: [] });
    expect(effect.why).toEqual([
      { text: 'a write to the PAT zaps nothing: leaves do not depend on it', source: 'kvm_set_msr_common()' },
    ]);
    expect([vm.rdmsr(0, 0x277), vm.rdmsr(1, 0x277)]).toEqual([
      0x0606_0606_0606_0606n,
      0x0007_0406_0007_0406n,
    ]);
  });

  it('that are invalid change nothing', () => {
    const vm = model('6.1', [ADD, touch(1)]);
    expect(vm.apply(wrmsr(0x2ff, 0xc02n))).toMatchObject({
      msr: 'gp',
      msrReason: 'INVAL',
      zapped: [],
      zapCalls: [],
    });
    expect(vm.apply(wrmsr(0x277, 2n))).toMatchObject({ msr: 'gp', msrReason: 'INVAL' });
    expect(vm.apply(wrmsr(0xfe, 0x508n))).toMatchObject({ msr: 'gp', msrReason: 'UNKNOWN' });
    expect([0x2ff, 0x277, 0xfe].map((msr) => vm.rdmsr(0, msr))).toEqual([0n, 0x0007_0406_0007_0406n, 0x508n]);
  });

  it('go where the era sends them', () => {
    const outcome = (name: string, msr: number, options: Partial<ModelOptions> = {}): object => {
      const { msr: result, msrReason } = model(name, [], options).apply(wrmsr(msr, 0n));
      return { result, msrReason };
    };
    const gp = (msrReason: string): object => ({ result: 'gp', msrReason });
    const nothing = { result: undefined, msrReason: undefined };
    expect(outcome('6.1', 0x278)).toEqual(gp('INVAL'));
    expect(outcome('6.6', 0x278)).toEqual(gp('UNKNOWN'));
    expect(outcome('7.2', 0x2fe)).toEqual(gp('UNKNOWN'));
    expect(outcome('7.2', 0x210)).toEqual(gp('INVAL'));
    for (const msr of [0x10, 0x1ff, 0x280, 0x29f, 0x300]) expect(outcome('6.1', msr)).toEqual(nothing);
    expect(outcome('6.1', 0x2a0)).toEqual(gp('INVAL'));
    expect(outcome('6.1', 0x27f)).toEqual(gp('INVAL'));
    expect(outcome('6.1', 0x278, { ignoreMsrs: true })).toEqual(gp('INVAL'));
    expect(outcome('7.2', 0x278, { ignoreMsrs: true })).toEqual({ result: 'ok', msrReason: undefined });
    expect(model('6.1').rdmsr(0, 0x278)).toBeUndefined();
  });

  it('are read back as each era stores them', () => {
    const cpuid = (maxphyaddr: number): ModelEvent => ({ kind: 'cpuid', vcpu: 0, maxphyaddr, mtrr: true });
    const events = [
      wrmsr(0x200, 0xff_0000_0006n),
      wrmsr(0x201, 0xff_0000_0800n),
      wrmsr(0x250, 0x0606_0606_0606_0606n),
      cpuid(36),
    ];
    const read = (name: string): unknown[] =>
      [0x200, 0x201, 0x250].map((msr) => model(name, events).rdmsr(0, msr));
    expect(read('6.1')).toEqual([0xf_0000_0006n, 0xf_0000_0800n, 0x0606_0606_0606_0606n]);
    expect(read('6.8')).toEqual(read('6.1'));
    expect(read('6.12')).toEqual([0xff_0000_0006n, 0xff_0000_0800n, 0x0606_0606_0606_0606n]);
    expect(model('6.1', events).apply(wrmsr(0x200, 0xff_0000_0006n)).msr).toBe('gp');
  });

  it('start from 36 address bits', () => {
    const vm = new VmModel(policies.get('6.1') as Policy, { vcpus: 1 });
    expect(vm.apply(wrmsr(0x200, 0x10_0000_0006n)).msr).toBe('gp');
    expect(vm.apply(wrmsr(0x200, 0xf_0000_0006n)).msr).toBe('ok');
  });
});

describe('CPUID', () => {
  it('without MTRRs makes disabled MTRRs WB', () => {
    const none: ModelEvent = { kind: 'cpuid', vcpu: 0, maxphyaddr: 40, mtrr: false };
    expect(model('6.1', [ADD, none]).expectedLeaf(0, 1)).toMatchObject({ type: 'WB', ipat: false });
    expect(model('6.1', [ADD, none]).expectedLeaf(1, 1)).toMatchObject({ type: 'UC', ipat: false });
    expect(model('6.1', [ADD], { mtrr: false }).expectedLeaf(1, 1)).toMatchObject({
      type: 'WB',
      ipat: false,
    });
  });
});

describe('CR0', () => {
  it('CD zaps all in era A and B, with non-coherent DMA and the quirk off', () => {
    for (const name of ['6.1', '6.8']) {
      const vm = model(name, [ADD, off(2), wrmsr(0x2ff, 0x806n), touch(1)]);
      const effect = vm.apply(cr0(PG | CD));
      expect([zapped(effect), effect.cr0, effect.zapCalls.length]).toEqual([['1/1 WB'], 'ok', 1]);
      expect(effect.why[0]?.text).toBe('toggling CR0.CD zaps everything');
      expect(made(vm.apply(touch(1)))).toEqual(['1/1 UC+IPAT']);
      expect(vm.apply(cr0(PG | CD | NW)).zapCalls).toEqual([]);
      expect(zapped(vm.apply(cr0(PG)))).toEqual(['1/1 UC+IPAT']);
    }
  });

  it('CD zaps nothing otherwise', () => {
    for (const vm of [
      model('6.1', [ADD, touch(1)]),
      model('6.1', [off(2), touch(1)]),
      model('7.2', [ADD, off(2), touch(1)]),
    ]) {
      expect(vm.apply(cr0(PG | CD))).toMatchObject({ cr0: 'ok', zapped: [], zapCalls: [] });
    }
    const host = model('6.1', [ADD, off(2), touch(1)]).apply(cr0(PG | CD, 'host'));
    expect(host).toMatchObject({ zapped: [], zapCalls: [] });
    expect(host.cr0).toBeUndefined();
  });

  it('faults on values that no processor takes, and stays', () => {
    const vm = model('6.1', [ADD, wrmsr(0x2ff, 0x806n)]);
    for (const value of [NW | PG | 1n, PG, (1n << 32n) | CD | 1n]) {
      expect(vm.apply({ kind: 'cr0', vcpu: 0, value, by: 'guest' }).cr0).toBe('gp');
    }
    expect(vm.expectedLeaf(0, 1)?.type).toBe('WB');
    for (const value of [CD | NW, PG | 1n, 0n]) {
      expect(vm.apply({ kind: 'cr0', vcpu: 0, value, by: 'guest' }).cr0).toBe('ok');
    }
  });
});

describe('non-coherent DMA', () => {
  it('zaps at the first and the last device, in the eras that do', () => {
    for (const name of ['6.8', '6.11', '7.2']) {
      const vm = model(name, [touch(1)]);
      const first = vm.apply(ADD);
      expect(zapped(first)).toEqual(['1/1 WB+IPAT']);
      expect(first.why[0]?.text).toBe('the first and the last non-coherent device zap everything');
      vm.apply(touch(1));
      for (const event of [ADD, DEL])
        expect(vm.apply(event)).toMatchObject({ zapped: [], zapCalls: [], why: [] });
      expect(vm.apply(DEL).zapped.length).toBe(1);
    }
    const vm = model('6.1', [touch(1)]);
    for (const event of [ADD, DEL])
      expect(vm.apply(event)).toMatchObject({ zapped: [], zapCalls: [], why: [] });
  });

  it('cannot fall below none', () => {
    const vm = model('7.2', [touch(1)]);
    expect(vm.apply(DEL)).toMatchObject({ refused: 'EINVAL', zapped: [] });
    expect(vm.expectedLeaf(0, 2)?.ipat).toBe(true);
  });

  it('through a virtio device exists where the kernel has one', () => {
    const virtio: ModelEvent = { kind: 'noncoherent', delta: 1, via: 'virtio' };
    expect(model('7.2').apply(virtio).refused).toBe('ENODEV');
    const vm = model('7.2+P5-device', [virtio, virtio]);
    expect(vm.apply({ ...virtio, delta: -1 })).toMatchObject({ zapped: [] });
    expect(vm.expectedLeaf(0, 2)?.ipat).toBe(false);
    vm.apply({ ...virtio, delta: -1 });
    expect(vm.expectedLeaf(0, 2)?.ipat).toBe(true);
    expect(model('7.2').apply({ ...ADD, via: 'vfio' } as ModelEvent).refused).toBeUndefined();
  });
});

describe('quirks', () => {
  it('beyond those supported are refused by KVM_CAP_DISABLE_QUIRKS2', () => {
    const vm = model('7.2', [], { quirksSupported: 0x5ff });
    expect(vm.apply(off(0x200)).refused).toBe('EINVAL');
    expect(vm.apply(off(0x600)).refused).toBe('EINVAL');
    expect(vm.state.disabledQuirks).toBe(2);
    expect(vm.apply({ kind: 'disable-quirks', mask: 0x601, cap: 'quirks' }).refused).toBeUndefined();
    expect(vm.state.disabledQuirks).toBe(0x403);
    expect(vm.expectedLeaf(0, 1)?.ipat).toBe(true);
  });

  it('come back in the kernels that assign, and do not in those that add', () => {
    const old = model('6.1', [off(3), off(1)]);
    expect(old.state.disabledQuirks).toBe(1);
    const young = model('7.2', [off(0x200), off(1)]);
    expect(young.state.disabledQuirks).toBe(0x203);
  });

  it('are disabled from the start only where they are known', () => {
    expect(model('npt').state.disabledQuirks).toBe(0x200);
    expect(model('npt', [], { quirksSupported: 0x1ff }).state.disabledQuirks).toBe(0);
  });

  it('are taken as they come by the old capability of old kernels', () => {
    const vm = model('6.1');
    vm.apply({ kind: 'disable-quirks', mask: 0xff00, cap: 'quirks' });
    expect(vm.state.disabledQuirks).toBe(0xff00);
  });
});

describe('memslots', () => {
  it('that go take every leaf of the VM, or their own', () => {
    const touched = [touch(1), touch(0x8000)];
    const all = model('6.1', touched).apply(slotEvent(1, 0x8000, 0));
    expect(zapped(all)).toEqual(['1/1 WB+IPAT', '8000/1 UC']);
    expect(all.why[0]?.text).toBe('deleting or moving a memslot zaps every leaf of the VM');
    const own = model('7.2', [off(0x80), ...touched]).apply(slotEvent(1, 0x8000, 0));
    expect(zapped(own)).toEqual(['8000/1 UC']);
    expect(own.why[0]).toEqual({
      text: 'deleting or moving a memslot zaps its own leaves',
      source: 'kvm_arch_flush_shadow_memslot()',
    });
    expect(own.zapCalls).toEqual([]);
  });

  it('that move leave nothing behind', () => {
    const vm = model('7.2', [touch(1), touch(0x8000)]);
    expect(vm.apply(slotEvent(1, 0x9000, 0x10, 0, 'mmio')).zapped.length).toBe(2);
    expect(made(vm.apply(touch(0x8000)))).toEqual([]);
    expect(made(vm.apply(touch(0x9000)))).toEqual(['9000/1 UC']);
    const gone = model('7.2', [slotEvent(1, 0x8000, 0)]);
    expect(made(gone.apply(touch(0x8000)))).toEqual([]);
  });

  it('that are added or refused zap nothing', () => {
    const vm = model('7.2', [touch(1)]);
    expect(vm.apply(slotEvent(2, 0x9000, 1))).toMatchObject({ zapped: [], why: [] });
    expect(vm.apply(slotEvent(3, 0x9000, 1))).toMatchObject({ refused: 'EEXIST', zapped: [] });
    expect(vm.apply(slotEvent(3, 0x9001, 1, 8))).toMatchObject({ refused: 'EINVAL', zapped: [] });
    expect(made(vm.apply(touch(0x9000)))).toEqual(['9000/1 WB+IPAT']);
  });

  it('take the proposed flag where the kernel has it, under the bit that was told', () => {
    const flagged = model('7.2+P5-memslot', [slotEvent(2, 0x2000, 2, 16)], { memslotFlag: 16 });
    expect(made(flagged.apply(touch(0x2000)))).toEqual(['2000/1 WB']);
    expect(made(flagged.apply(touch(0)))).toEqual(['0/1 WB+IPAT']);
    expect(flagged.apply(slotEvent(2, 0x2000, 2, 0)).refused).toBe('EINVAL');
    expect(flagged.apply(slotEvent(3, 0x3000, 2, 8)).refused).toBe('EINVAL');
    expect(model('7.2+P5-memslot').apply(slotEvent(2, 0x2000, 2, 8)).refused).toBeUndefined();
  });
});

describe('dirty logging', () => {
  it('splits huge leaves, which keep their type', () => {
    const vm = model('7.2', [touch(0x200, { level: 2 }), touch(3)]);
    const effect = vm.apply(slotEvent(0, 0, 0x1000, MEM_LOG_DIRTY_PAGES));
    expect(effect.split.map(show)).toEqual(['200/2 WB+IPAT']);
    expect([effect.made, effect.zapped]).toEqual([[], []]);
    expect(vm.leaves().length).toBe(513);
    expect(vm.leafAt(0x3ff)).toMatchObject({ gfn: 0x3ff, level: 1, type: 'WB', ipat: true });
    expect(vm.apply(log(true)).split).toEqual([]);
  });

  it('splits 1G leaves all the way', () => {
    const vm = new VmModel(policies.get('7.2') as Policy, { vcpus: 1 });
    vm.apply(slotEvent(0, 0, 0x40000));
    vm.apply(touch(5, { level: 3 }));
    const effect = vm.apply(log(true));
    expect(effect.split.length).toBe(513);
    expect(vm.leaves().length).toBe(0x40000);
    expect(vm.leafAt(0x3ffff)).toMatchObject({ gfn: 0x3ffff, level: 1 });
  });

  it('splits on the first write where it is not eager, and makes the page anew', () => {
    const vm = model('6.1', [ADD, wrmsr(0x2ff, 0x806n), touch(0x200, { level: 2 }), DEL], {
      eagerPageSplit: false,
    });
    expect(vm.apply(log(true)).split).toEqual([]);
    expect(vm.apply(touch(0x203)).split).toEqual([]);
    const effect = vm.apply(touch(0x203, { access: 'write' }));
    expect([effect.split.map(show), made(effect), zapped(effect)]).toEqual([
      ['200/2 WB'],
      ['203/1 WB+IPAT'],
      [],
    ]);
    expect([0x202, 0x203, 0x204].map((gfn) => vm.leafAt(gfn)?.ipat)).toEqual([false, true, false]);
    expect(vm.apply(touch(0x204, { access: 'write' })).made).toEqual([]);
  });

  it('when it ends, may put a 1G leaf in place, no larger than the host allows', () => {
    const merge = (hostLevel: Level): string[] => {
      const vm = new VmModel(policies.get('7.2') as Policy, { vcpus: 1 });
      const slot: ModelEvent = { ...slotEvent(0, 0x40000, 0x40400), hostLevel } as ModelEvent;
      for (const event of [slot, log(true), touch(0x40300), touch(0x7ff00), touch(0x80001)]) vm.apply(event);
      return vm.apply(log(false)).mayMerge.map(show);
    };
    const small = ['40200/2 WB+IPAT', '7fe00/2 WB+IPAT', '80000/2 WB+IPAT'];
    expect(merge(3)).toEqual([...small, '40000/3 WB+IPAT']);
    expect(merge(2)).toEqual(small);
    expect(merge(1)).toEqual([]);
  });

  it('is refused on a slot that is not there', () => {
    expect(model('6.1').apply({ kind: 'dirty-log', slot: 9, on: true }).refused).toBe('EINVAL');
  });

  it('when it ends, lets old kernels zap what could be huge', () => {
    const vm = model('6.1', [log(true), touch(0x201)]);
    expect(vm.apply(log(false))).toMatchObject({
      mayZap: [{ start: 0, end: 0x1000 }],
      mayMerge: [],
      zapped: [],
      notes: [],
    });
    expect(vm.apply(log(false))).toMatchObject({ mayZap: [] });
  });

  it('when it ends, lets new kernels put huge leaves in place', () => {
    const vm = model('7.2', [log(true), touch(0x201), touch(0x300), touch(0x405)]);
    const effect = vm.apply(log(false));
    expect(effect.mayMerge.map(show)).toEqual(['200/2 WB+IPAT', '400/2 WB+IPAT']);
    expect(effect).toMatchObject({ mayZap: [], notes: [] });
    const odd = new VmModel(policies.get('7.2') as Policy, { vcpus: 1 });
    for (const event of [slotEvent(0, 0x100, 0x400), log(true), touch(0x150), touch(0x450)]) odd.apply(event);
    expect(odd.apply(log(false)).mayMerge).toEqual([]);
    const readOnly = model('7.2', [
      slotEvent(2, 0x2000, 0x400, MEM_READONLY),
      touch(0x2000, { level: 2 }),
      touch(0x2201),
    ]);
    expect(readOnly.apply({ kind: 'dirty-log', slot: 2, on: true }).split).toEqual([]);
    expect(readOnly.apply({ kind: 'dirty-log', slot: 2, on: false }).mayMerge).toEqual([]);
    const huge = model('7.2', [touch(0x200, { level: 2 })], { eagerPageSplit: false });
    for (const event of [log(true)]) huge.apply(event);
    expect(huge.apply(log(false)).mayMerge).toEqual([]);
  });
});

describe('nx_huge_pages', () => {
  it('splits a huge leaf for a fetch', () => {
    const vm = model('7.2', [touch(0x200, { level: 2 })], { nxHugePages: true });
    const effect = vm.apply(touch(0x2ff, { access: 'fetch' }));
    expect([effect.split.map(show), made(effect)]).toEqual([['200/2 WB+IPAT'], ['2ff/1 WB+IPAT']]);
    expect(model('7.2', [touch(0x200, { level: 2 })]).apply(touch(0x2ff, { access: 'fetch' })).split).toEqual(
      [],
    );
  });

  it('splits a 1G leaf only where the fetch is', () => {
    const vm = new VmModel(policies.get('7.2') as Policy, { vcpus: 1, nxHugePages: true });
    for (const event of [slotEvent(0, 0, 0x40000), touch(0, { level: 3 })]) vm.apply(event);
    const effect = vm.apply(touch(0x3fe01, { access: 'fetch' }));
    expect(effect.split.map(show)).toEqual(['0/3 WB+IPAT', '3fe00/2 WB+IPAT']);
    expect(vm.leaves().length).toBe(511 + 512);
  });
});

describe('discard', () => {
  it('zaps what the host took back', () => {
    const vm = model('6.1', [touch(1), touch(2), touch(0x200, { level: 2 })]);
    const effect = vm.apply({ kind: 'discard', gfn: 2, npages: 0x1ff });
    expect(zapped(effect)).toEqual(['2/1 WB+IPAT', '200/2 WB+IPAT']);
    expect(effect).toMatchObject({ zapCalls: [], why: [{ text: 'the host discarded the memory' }] });
    expect(vm.apply({ kind: 'discard', gfn: 1, npages: 2 ** 45 }).zapped.length).toBe(1);
  });
});

describe('observed leaves', () => {
  it('take the place of those expected', () => {
    const vm = model('6.1', [touch(1), touch(0x200)]);
    expect(vm.observeLeaf({ gfn: 0x200, level: 2, type: 'WC', ipat: false }).map(show)).toEqual([
      '200/1 WB+IPAT',
    ]);
    expect(vm.leafAt(0x3ff)).toMatchObject({ type: 'WC', ipat: false, level: 2, maxLevel: 2, vcpu: 0 });
    vm.observeLeaf({ gfn: 0x5000, level: 1, type: 'UC', ipat: true, vcpu: 1 });
    expect(vm.leafAt(0x5000)).toEqual({
      gfn: 0x5000,
      level: 1,
      type: 'UC',
      ipat: true,
      vcpu: 1,
      maxLevel: 3,
      errata: [],
      why: [{ text: 'seen, not expected', source: 'observation' }],
    });
  });

  it('may be gone', () => {
    const vm = model('6.1', [touch(1), touch(2)]);
    expect(vm.observeZap(2, 1).map(show)).toEqual(['2/1 WB+IPAT']);
    expect(vm.leaves().map(show)).toEqual(['1/1 WB+IPAT']);
  });
});

describe('clone', () => {
  it('shares nothing', () => {
    const vm = model('7.2', [touch(1), off(1), ADD, touch(2)], { memslotFlag: 16 });
    const copy = vm.clone();
    expect(copy.policy).toBe(vm.policy);
    expect(copy.leaves()).toEqual(vm.leaves());
    expect(copy.expectedLeaf(0, 5)).toEqual(vm.expectedLeaf(0, 5));
    expect(copy.state.disabledQuirks).toBe(vm.state.disabledQuirks);
    expect(copy.state.options).toEqual(vm.state.options);
    for (const event of [
      DEL,
      wrmsr(0x277, 6n),
      wrmsr(0x2ff, 0xc06n),
      cr0(CD),
      slotEvent(0, 0, 0),
      off(0x200),
    ])
      copy.apply(event);
    expect(vm.leaves().map(show)).toEqual(['2/1 WB']);
    expect([vm.rdmsr(0, 0x277), vm.rdmsr(0, 0x2ff)]).toEqual([0x0007_0406_0007_0406n, 0n]);
    expect(vm.state.vcpus[0]?.cd).toBe(false);
    expect(copy.state.vcpus[0]?.cd).toBe(true);
    expect(vm.expectedLeaf(0, 5)).toMatchObject({ type: 'WB', ipat: false });
    expect(copy.expectedLeaf(0, 5)).toBeUndefined();
    expect(copy.clone().rdmsr(0, 0x2ff)).toBe(0xc06n);
  });
});
