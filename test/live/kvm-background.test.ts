/** @module-tag kvm */
import { constants } from 'node:os';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  HostMemory,
  KVM_EXIT_HLT,
  KVM_MP_STATE_RUNNABLE,
  Kvm,
  kickVcpu,
  type Vcpu,
  type Vm,
} from '../../src/kvm/index.js';
import { held } from './held.js';
import { realMode } from './real-mode.js';

const { EINTR } = constants.errno;
const WAIT_MS = 20_000;
const FLAGS = 0x2000;

let kvm: Kvm;
let vm: Vm;
let ram: HostMemory;
let vcpus: [Vcpu, Vcpu];

beforeEach(() => {
  kvm = Kvm.open();
  vm = kvm.createVm();
  ram = HostMemory.memfd(0x10000);
  vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: BigInt(ram.size), userspaceAddr: ram.address });
  vcpus = [vm.createVcpu(0), vm.createVcpu(1)];
});

afterEach(() => {
  for (const handle of [...vcpus, vm, ram, kvm]) handle.close();
});

/** Raise the own flag, and halt once the other's is up. */
function meet(vcpu: Vcpu, own: number, other: number): void {
  realMode(
    vcpu,
    ram,
    [
      [0xc6, 0x04, 0x01], // mov byte [si], 1
      [0x80, 0x3d, 0x01], // again: cmp byte [di], 1
      [0x75, 0xfb], // jne again
      [0xf4], // hlt
    ],
    { ds: FLAGS },
  );
  vcpu.setRegs({ ...vcpu.getRegs(), rsi: BigInt(own), rdi: BigInt(other) });
}

it('two vCPUs run at the same time, each on a thread of its own', () => {
  const [first, second] = vcpus;
  meet(first, 0, 1);
  meet(second, 1, 0);
  for (const vcpu of vcpus) vcpu.setMpState(KVM_MP_STATE_RUNNABLE);
  for (const vcpu of vcpus) vcpu.begin(WAIT_MS);
  for (const vcpu of vcpus) vcpu.go();

  expect([first.finish(), second.finish()]).toEqual([0, 0]);
  expect(vcpus.map((vcpu) => vcpu.run.exitReason)).toEqual([KVM_EXIT_HLT, KVM_EXIT_HLT]);
});

it('the guest waits for go(), which finish() implies', () => {
  const [vcpu] = vcpus;
  const flags = new Uint8Array(ram.buffer, FLAGS, 2);
  flags[1] = 1;
  meet(vcpu, 0, 1);
  vcpu.begin(WAIT_MS);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  expect(flags[0]).toBe(0);

  expect(vcpu.finish()).toBe(0);
  expect(flags[0]).toBe(1);
});

it('a used up budget and a kick end it', () => {
  const [vcpu] = vcpus;
  realMode(vcpu, ram, [[0xeb, 0xfe]]); // jmp $
  vcpu.begin(10);
  expect([vcpu.finish(), vcpu.timedOut, vcpu.kicked]).toEqual([EINTR, true, false]);

  vcpu.begin(WAIT_MS);
  vcpu.go();
  kickVcpu(vcpu.handle);
  expect([vcpu.finish(), vcpu.timedOut, vcpu.kicked]).toEqual([EINTR, false, true]);
});

it('while a thread has the vCPU no other run of it can begin, and none ends that was not begun', () => {
  const [vcpu] = vcpus;
  realMode(vcpu, ram, [[0xf4]]); // hlt
  const runs = [
    () => vcpu.enter(WAIT_MS),
    () => vcpu.resume(),
    () => vcpu.completeExit(),
    () => vcpu.begin(1),
  ];
  expect(() => vcpu.go()).toThrow(/must come after begin/);
  expect(() => vcpu.finish()).toThrow(/must come after begin/);
  vcpu.begin(WAIT_MS);
  for (const run of runs) expect(run).toThrow(/finish\(\)/);
  expect(vcpu.finish()).toBe(0);
  expect(vcpu.enter(WAIT_MS)).toBe(0);
});

it('a vCPU that is closed takes its thread along', () => {
  const before = held();
  const vcpu = vm.createVcpu(2);
  realMode(vcpu, ram, [[0xeb, 0xfe]]); // jmp $
  vcpu.begin(WAIT_MS);
  vcpu.go();
  const started = performance.now();
  vcpu.close();

  expect(performance.now() - started).toBeLessThan(WAIT_MS / 2);
  expect(held()).toEqual(before);
});
