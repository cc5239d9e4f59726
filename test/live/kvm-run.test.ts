/** @module-tag kvm */
import { constants } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HostMemory, Kvm, type Vcpu, type Vm } from '../../src/kvm/index.js';
import * as uapi from '../../src/kvm/uapi.js';
import { realMode } from './real-mode.js';

const { EINTR } = constants.errno;
const BUDGET_MS = 1000;

describe('a vCPU in real mode', () => {
  let kvm: Kvm;
  let vm: Vm;
  let ram: HostMemory;
  let vcpu: Vcpu;

  beforeEach(() => {
    kvm = Kvm.open();
    vm = kvm.createVm();
    ram = HostMemory.memfd(0x10000);
    vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: BigInt(ram.size), userspaceAddr: ram.address });
    vcpu = vm.createVcpu(0);
  });

  afterEach(() => {
    for (const handle of [vcpu, vm, ram, kvm]) handle.close();
  });

  it('exits for OUT and HLT', () => {
    realMode(vcpu, ram, [
      [0xb0, 0x41], // mov al, 'A'
      [0xe6, 0x10], // out 0x10, al
      [0xf4], // hlt
    ]);

    expect(vcpu.enter(BUDGET_MS)).toBe(0);
    expect(vcpu.run.exit()).toEqual({
      kind: 'io',
      direction: 'out',
      port: 0x10,
      size: 1,
      count: 1,
      data: [0x41],
    });

    expect(vcpu.enter(BUDGET_MS)).toBe(0);
    expect(vcpu.run.exit()).toEqual({ kind: 'hlt' });
  });

  it('gives the guest what setIoData() says', () => {
    realMode(vcpu, ram, [
      [0xe5, 0x20], // in ax, 0x20
      [0xf4], // hlt
    ]);

    expect(vcpu.enter(BUDGET_MS)).toBe(0);
    expect(vcpu.run.ioDirection).toBe(uapi.KVM_EXIT_IO_IN);
    vcpu.run.setIoData(0x1234);
    expect(vcpu.completeExit()).toBe(EINTR);

    expect(vcpu.getRegs().rax & 0xffffn).toBe(0x1234n);
  });

  it('exits for an access outside memory', () => {
    realMode(vcpu, ram, [
      [0xb8, 0x00, 0xf0], // mov ax, 0xf000
      [0x8e, 0xd8], // mov ds, ax
      [0xc6, 0x06, 0x34, 0x12, 0x5a], // mov byte [0x1234], 0x5a
      [0xf4], // hlt
    ]);

    expect(vcpu.enter(BUDGET_MS)).toBe(0);

    expect(vcpu.run.exit()).toEqual({
      kind: 'mmio',
      address: 0xf1234n,
      length: 1,
      isWrite: true,
      data: [0x5a],
    });
    expect(vcpu.run.mmioAddressNumber).toBe(0xf1234);
  });

  it('ends an endless loop when the budget is used up', () => {
    realMode(vcpu, ram, [[0xeb, 0xfe]]); // jmp $

    const start = performance.now();
    expect(vcpu.enter(30)).toBe(EINTR);

    expect(vcpu.timedOut).toBe(true);
    expect(vcpu.kicked).toBe(false);
    expect(performance.now() - start).toBeGreaterThanOrEqual(30);
  });

  it('starts each run with a fresh budget', () => {
    realMode(vcpu, ram, [
      [0xe6, 0x10], // out 0x10, al
      [0xeb, 0xfe], // jmp $
    ]);

    expect(vcpu.enter(60_000)).toBe(0);
    expect(vcpu.timedOut).toBe(false);

    expect(vcpu.enter(10)).toBe(EINTR);
    expect(vcpu.timedOut).toBe(true);
  });

  it('bounds a run whose predecessor had its budget end between the two', () => {
    realMode(vcpu, ram, [
      [0xe6, 0x10], // out 0x10, al
      [0xeb, 0xfe], // jmp $
    ]);
    while (vcpu.enter(20) !== 0);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 40);

    expect(vcpu.enter(10)).toBe(EINTR);

    expect(vcpu.timedOut).toBe(true);
  });

  it('bounds many exits by one budget', () => {
    realMode(vcpu, ram, [
      [0xe6, 0x10], // again: out 0x10, al
      [0xeb, 0xfc], // jmp again
    ]);

    const start = performance.now();
    let errno = vcpu.enter(200);
    let exits = 0;
    for (; errno === 0; exits++) errno = vcpu.resume();

    expect(errno).toBe(EINTR);
    expect(vcpu.timedOut).toBe(true);
    expect(exits).toBeGreaterThan(0);
    expect(performance.now() - start).toBeGreaterThanOrEqual(200);
  });

  it('takes no resume() without a budget', () => {
    expect(() => vcpu.resume()).toThrow('resume: must come after an enter()');
  });

  it('sends filtered MSR accesses to user space', () => {
    const msr = 0x277;
    vm.enableCap(uapi.KVM_CAP_X86_USER_SPACE_MSR, [BigInt(uapi.KVM_MSR_EXIT_REASON_FILTER)]);
    const flags = uapi.KVM_MSR_FILTER_READ | uapi.KVM_MSR_FILTER_WRITE;
    vm.setMsrFilter({ ranges: [{ flags, base: msr, nmsrs: 1, bitmap: new Uint8Array(1) }] });
    realMode(vcpu, ram, [
      [0x66, 0xb9, 0x77, 0x02, 0x00, 0x00], // mov ecx, 0x277
      [0x66, 0xba, 0x08, 0x07, 0x06, 0x05], // mov edx, 0x05060708
      [0x66, 0xb8, 0x04, 0x03, 0x02, 0x01], // mov eax, 0x01020304
      [0x0f, 0x30], // wrmsr
      [0x0f, 0x32], // rdmsr
      [0xf4], // hlt
    ]);

    expect(vcpu.enter(BUDGET_MS)).toBe(0);
    const reason = uapi.KVM_MSR_EXIT_REASON_FILTER;
    expect(vcpu.run.exit()).toEqual({ kind: 'wrmsr', index: msr, reason, data: 0x0506070801020304n });

    expect(vcpu.enter(BUDGET_MS)).toBe(0);
    expect(vcpu.run.exit()).toEqual({ kind: 'rdmsr', index: msr, reason });
    vcpu.run.msrData = 0x1111222233334444n;

    expect(vcpu.enter(BUDGET_MS)).toBe(0);
    expect(vcpu.run.exit()).toEqual({ kind: 'hlt' });
    const { rax, rdx } = vcpu.getRegs();
    expect([rdx, rax]).toEqual([0x11112222n, 0x33334444n]);
  });

  it('ends in a shutdown exit after a triple fault', () => {
    realMode(vcpu, ram, [[0x0f, 0x0b]]); // ud2
    const sregs = vcpu.getSregs();
    const flat = {
      base: 0n,
      limit: 0xffffffff,
      present: 1,
      s: 1,
      db: 1,
      g: 1,
      dpl: 0,
      l: 0,
      avl: 0,
      unusable: 0,
    };
    const data = { ...flat, selector: 16, type: 3 };
    const segments = {
      cs: { ...flat, selector: 8, type: 0xb },
      ds: data,
      es: data,
      fs: data,
      gs: data,
      ss: data,
    };
    vcpu.setSregs({ ...sregs, ...segments, cr0: sregs.cr0 | 1n, idt: { base: 0n, limit: 0 } });

    expect(vcpu.enter(BUDGET_MS)).toBe(0);

    expect(vcpu.run.exit()).toEqual({ kind: 'shutdown' });
  });
});
