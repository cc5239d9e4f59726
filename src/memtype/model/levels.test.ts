import { describe, expect, it } from 'vitest';
import {
  ADD,
  DEL,
  log,
  made,
  model,
  show,
  slotEvent,
  touch,
  wrmsr,
  zapped,
} from '../../../test/support/model-vm.js';
import { KVM_MEM_LOG_DIRTY_PAGES, KVM_MEM_READONLY } from '../../arch/kvm-flags.js';
import type { Level } from '../../arch/units.js';
import { policies } from '../policies/index.js';
import { findPolicy } from '../policies/versions.js';
import type { Policy } from '../policy.js';
import type { ModelEvent } from './events.js';
import { VmModel } from './vm-model.js';

describe('dirty logging', () => {
  it('splits huge leaves, which keep their type', () => {
    const vm = model('7.2', [touch(0x200, { level: 2 }), touch(3)]);
    const effect = vm.apply(slotEvent(0, 0, 0x1000, KVM_MEM_LOG_DIRTY_PAGES));
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

  it('splits of a 1G leaf only what a cleared page needs', () => {
    const vm = new VmModel(policies.get('7.2') as Policy, { vcpus: 1 });
    vm.apply({ kind: 'manual-protect', initiallySet: true });
    vm.apply(slotEvent(0, 0, 0x40000));
    vm.apply(touch(5, { level: 3 }));
    expect(vm.apply(log(true)).split).toEqual([]);
    const effect = vm.apply({ kind: 'clear-dirty-log', slot: 0, first: 0x400, npages: 64 });
    expect(effect.split.map(({ gfn, level }) => [gfn, level])).toEqual([
      [0, 3],
      [0x400, 2],
    ]);
    expect([0x3ff, 0x400, 0x600].map((gfn) => vm.leafAt(gfn)?.level)).toEqual([2, 1, 2]);
  });

  it('splits on the first write where it is not eager, and makes the page anew', () => {
    const vm = model('6.6', [ADD, wrmsr(0x2ff, 0x806n), touch(0x200, { level: 2 }), DEL], {
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

  it('splits nothing where nothing changes, nor for a write without it', () => {
    const huge = { gfn: 0x200, level: 2, type: 'WB', ipat: true } as const;
    const on = model('7.2', [log(true)]);
    on.observeLeaf(huge);
    expect(on.apply(log(true)).split).toEqual([]);
    const still = model('7.2', [touch(0x200, { level: 2 })]);
    expect(still.apply(log(false)).split).toEqual([]);
    expect(still.apply(touch(0x234, { access: 'write' })).split).toEqual([]);
    still.observeLeaf({ ...huge, gfn: 0x9000 });
    expect(still.apply(touch(0x9001, { access: 'write' }))).toMatchObject({ split: [], made: [] });
  });

  it('when it ends, names nothing in a kernel that cannot mix leaves by itself', () => {
    const vm = model('6.13', [log(true), touch(0x201)]);
    vm.observeLeaf({ gfn: 0x205, level: 1, type: 'WB', ipat: false });
    const effect = vm.apply(log(false));
    expect([effect.mayMerge.map(show), effect.notes]).toEqual([['200/2 WB+IPAT'], []]);
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
      slotEvent(2, 0x2000, 0x400, KVM_MEM_READONLY),
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

describe('guest MTRRs', () => {
  const half = [wrmsr(0x2ff, 0x806n), wrmsr(0x200, 0x10_0000n), wrmsr(0x201, 0xff_fff0_0800n)];
  it.each([
    ['5.10', [1, 1]],
    ['5.19', [1, 1]],
    ['npt-A-4.4', [1, 1]],
    ['6.0', [2, 1]],
    ['6.8', [2, 1]],
    ['npt-A', [2, 2]],
    ['7.2', [2, 2]],
  ])('bound a leaf in %s: level %j without and with non-coherent DMA', (name, levels) => {
    const level = (events: ModelEvent[]): number | undefined => {
      const vm = new VmModel(findPolicy(name), { vcpus: 1, maxphyaddr: 40 });
      for (const event of [slotEvent(0, 0, 0x1000), ...half, ...events]) vm.apply(event);
      return vm.expectedLeaf(0, 0)?.maxLevel;
    };
    expect([level([]), level([ADD])]).toEqual(levels);
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

  it('splits nothing for a read', () => {
    const vm = model('7.2', [touch(0x200, { level: 2 })], { nxHugePages: true });
    expect(vm.apply(touch(0x2ff)).split).toEqual([]);
  });

  it('splits a 1G leaf at the first frame of a 2M one, and no other', () => {
    const vm = new VmModel(policies.get('7.2') as Policy, { vcpus: 1, nxHugePages: true });
    for (const event of [slotEvent(0, 0, 0x40000), touch(0, { level: 3 })]) vm.apply(event);
    const effect = vm.apply(touch(0x400, { access: 'fetch' }));
    expect(effect.split.map(show)).toEqual(['0/3 WB+IPAT', '400/2 WB+IPAT']);
  });

  it('splits a 1G leaf only where the fetch is', () => {
    const vm = new VmModel(policies.get('7.2') as Policy, { vcpus: 1, nxHugePages: true });
    for (const event of [slotEvent(0, 0, 0x40000), touch(0, { level: 3 })]) vm.apply(event);
    const effect = vm.apply(touch(0x3fe01, { access: 'fetch' }));
    expect(effect.split.map(show)).toEqual(['0/3 WB+IPAT', '3fe00/2 WB+IPAT']);
    expect(vm.leaves().length).toBe(511 + 512);
  });
});
