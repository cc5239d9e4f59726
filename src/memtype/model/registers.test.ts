import { describe, expect, it } from 'vitest';
import {
  ADD,
  CD,
  cr0,
  made,
  model,
  NW,
  off,
  PG,
  touch,
  wrmsr,
  zapped,
} from '../../../test/support/model-vm.js';
import { policies } from '../policies/index.js';
import type { Policy } from '../policy.js';
import type { ModelEvent } from './events.js';
import { VmModel } from './vm-model.js';
import type { ModelOptions } from './vm-state.js';

describe('MSR writes', () => {
  it('zap what era A zaps, and tell the calls', () => {
    const vm = model('6.1', [ADD, wrmsr(0x2ff, 0xc06n), touch(0x7f), touch(0x80), touch(0x100)]);
    const fixed = vm.apply(wrmsr(0x258, 0x0606_0606_0606_0606n));
    expect(fixed).toMatchObject({ msr: 'ok', zapCalls: [{ start: 0x80, end: 0xa0 }] });
    expect(zapped(fixed)).toEqual(['80/1 UC']);
    expect(fixed.why).toEqual([
      { text: 'an MTRR write zaps what it covers', source: 'update_mtrr(), up to 6.10' },
    ]);
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
    for (const msr of [0x10, 0x280, 0x29f]) expect(outcome('6.1', msr)).toEqual(nothing);
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
      expect(effect.why).toEqual([
        { text: 'toggling CR0.CD zaps everything', source: 'kvm_post_set_cr0(), up to 6.10' },
      ]);
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
    expect(vm.expectedLeaf(0, 1)).toMatchObject({ type: 'WB', ipat: false });
    for (const value of [CD | NW, PG | 1n, 0n]) {
      expect(vm.apply({ kind: 'cr0', vcpu: 0, value, by: 'guest' }).cr0).toBe('ok');
    }
  });
});
