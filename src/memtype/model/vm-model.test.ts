import { describe, expect, it } from 'vitest';
import { MSR_DEFTYPE, MSR_PHYSBASE0 } from '../arch/msrs.js';
import { policies } from '../policies/index.js';
import type { Policy } from '../policy.js';
import type { ModelEvent } from './events.js';
import { VmModel } from './vm-model.js';

const policy = (name: string): Policy => policies.get(name) as Policy;
const RAM: ModelEvent = { kind: 'memslot', slot: 0, gfn: 0, npages: 0x4000, backing: 'ram', flags: 0 };
const wrmsr = (msr: number, value: bigint, vcpu = 0): ModelEvent => ({
  kind: 'wrmsr',
  vcpu,
  msr,
  value,
  by: 'guest',
});
const touch = (gfn: number, vcpu = 0): ModelEvent => ({ kind: 'access', vcpu, gfn, access: 'read' });
const DMA: ModelEvent = { kind: 'noncoherent', delta: 1 };

function model(name: string, ...events: ModelEvent[]): VmModel {
  const vm = new VmModel(policy(name), { vcpus: 2, maxphyaddr: 40 });
  for (const event of [RAM, ...events]) vm.apply(event);
  return vm;
}

describe('VmModel', () => {
  it('makes WB with IPAT without non-coherent DMA', () => {
    const { made } = model('6.1').apply(touch(5));
    expect(made).toMatchObject([{ gfn: 5, level: 1, type: 'WB', ipat: true }]);
  });

  it('follows the MTRRs in era A, D1 included, and zaps on a defType write', () => {
    const vm = model('6.1', DMA, wrmsr(MSR_PHYSBASE0, 6n), wrmsr(MSR_PHYSBASE0 + 1, 0xff_ff00_0800n));
    vm.apply(wrmsr(MSR_PHYSBASE0 + 2, 0xc00000n));
    vm.apply(wrmsr(MSR_PHYSBASE0 + 3, 0xff_ffc0_0800n));
    vm.apply(touch(7));
    const { zapped } = vm.apply(wrmsr(MSR_DEFTYPE, 0xc00n));
    expect(zapped).toMatchObject([{ gfn: 7, type: 'UC', ipat: false }]);
    expect(vm.apply(touch(0xc00))).toMatchObject({ made: [{ type: 'WB', ipat: false }], notes: ['D1'] });
    expect(vm.apply(touch(0xc00)).made).toEqual([]);
  });

  it('ignores MTRRs from 6.11 on', () => {
    const vm = model('7.2', DMA, wrmsr(MSR_DEFTYPE, 0x800n));
    expect(vm.expectedLeaf(1, 3)).toMatchObject({ type: 'WB', ipat: false, maxLevel: 2 });
  });
});
