/** @module-tag kvm */
import { describe, expect, it } from 'vitest';
import { HostMemory, Kvm } from '../../src/kvm/index.js';
import { held } from './held.js';
import { realMode } from './real-mode.js';

const SEVEN = [
  [0xb0, 0x07], // mov al, 7
  [0xe6, 0x10], // out 0x10, al
];

/** Every order of the indices 0 to n-1. */
function orders(n: number): number[][] {
  if (n === 0) return [[]];
  return orders(n - 1).flatMap((order) =>
    Array.from({ length: n }, (_, at) => [...order.slice(0, at), n - 1, ...order.slice(at)]),
  );
}

describe('handles', () => {
  it('may be closed in any order', () => {
    Kvm.open().close();
    const before = held();
    for (const order of orders(5)) {
      const kvm = Kvm.open();
      const vm = kvm.createVm();
      const ram = HostMemory.memfd(0x2000);
      vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: 0x2000n, userspaceAddr: ram.address });
      const vcpus = [vm.createVcpu(0), vm.createVcpu(1)];
      for (const vcpu of vcpus) {
        realMode(vcpu, ram, SEVEN);
        expect(vcpu.enter(1000)).toBe(0);
      }
      const handles = [kvm, vm, ram, ...vcpus];
      for (const i of order) handles[i]?.close();
      expect(held(), `order ${order}`).toEqual(before);
    }
  });

  it('keep memory mapped while a memslot points into it', () => {
    using kvm = Kvm.open();
    using vm = kvm.createVm();
    using vcpu = vm.createVcpu(0);
    const ram = HostMemory.memfd(0x2000);
    vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: 0x2000n, userspaceAddr: ram.address });
    realMode(vcpu, ram, SEVEN);

    ram.close();

    expect(vcpu.enter(1000)).toBe(0);
    expect(vcpu.run.exit()).toMatchObject({ kind: 'io', data: [7] });
  });

  it('let go of memory with the memslot', () => {
    using kvm = Kvm.open();
    using vm = kvm.createVm();
    const before = held();
    const ram = HostMemory.memfd(0x2000);
    vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: 0x2000n, userspaceAddr: ram.address });
    ram.close();
    expect(held().mappings).toBeGreaterThan(before.mappings);

    vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: 0n, userspaceAddr: 0n });

    expect(held()).toEqual(before);
  });

  it('run a vCPU whose Vm is closed', () => {
    using kvm = Kvm.open();
    const vm = kvm.createVm();
    using ram = HostMemory.memfd(0x2000);
    vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: 0x2000n, userspaceAddr: ram.address });
    using vcpu = vm.createVcpu(0);
    vm.close();

    realMode(vcpu, ram, SEVEN);

    expect(vcpu.enter(1000)).toBe(0);
  });
});
