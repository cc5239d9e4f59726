import { describe, expect, it } from 'vitest';
import {
  ADD,
  CD,
  cr0,
  DEL,
  log,
  made,
  model,
  off,
  show,
  slotEvent,
  touch,
  wrmsr,
  zapped,
} from '../../../test/support/model-vm.js';
import { KVM_MEM_READONLY } from '../../arch/kvm-flags.js';
import type { Level } from '../../arch/units.js';
import { type AccessEvent, ModelError } from './events.js';
import type { VmModel } from './vm-model.js';

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
    const vm = model('7.2', [slotEvent(2, 0x2000, 0x10, KVM_MEM_READONLY)]);
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

  it('have no name where no erratum is known for what changed', () => {
    const vm = model('6.1', [ADD, cr0(CD), touch(3)]);
    expect(vm.apply(off(2)).notes).toEqual([]);
    expect(vm.apply(touch(3)).stale).toMatchObject({ leaf: { type: 'WB' }, fresh: { type: 'UC' } });
  });

  it('are not looked for where the slot is gone', () => {
    const vm = model('6.1');
    vm.observeLeaf({ gfn: 0x5000, level: 1, type: 'WC', ipat: false });
    expect(vm.apply(ADD).notes).toEqual([]);
  });

  it('are not reported where the slot is gone', () => {
    const vm = model('6.1', [touch(3)]);
    vm.observeLeaf({ gfn: 0x5000, level: 1, type: 'WC', ipat: false });
    expect(vm.apply(touch(0x5000)).stale).toBeUndefined();
  });
});

describe('observed leaves', () => {
  it('take the place of those expected', () => {
    const vm = model('6.1', [touch(1), touch(0x200)]);
    expect(vm.observeLeaf({ gfn: 0x200, level: 2, type: 'WC', ipat: false }).map(show)).toEqual([
      '200/1 WB+IPAT',
    ]);
    expect(vm.leafAt(0x3ff)).toMatchObject({
      type: 'WC',
      ipat: false,
      level: 2,
      maxLevel: 2,
      minLevel: 1,
      vcpu: 0,
    });
    vm.observeLeaf({ gfn: 0x5000, level: 1, type: 'UC', ipat: true, vcpu: 1 });
    expect(vm.leafAt(0x5000)).toEqual({
      gfn: 0x5000,
      level: 1,
      type: 'UC',
      ipat: true,
      vcpu: 1,
      writable: true,
      clean: false,
      maxLevel: 3,
      minLevel: 1,
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
