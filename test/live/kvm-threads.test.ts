/** @module-tag kvm */
import { constants } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  HostMemory,
  KVM_EXIT_HLT,
  KVM_MP_STATE_RUNNABLE,
  Kvm,
  kickVcpu,
  type Vcpu,
  type Vm,
} from '../../src/kvm/index.js';
import { patiently } from '../patience.js';
import { bundle, TestWorker } from '../support/worker.js';
import { held } from './held.js';
import type { Task } from './kvm-worker.js';
import { realMode } from './real-mode.js';

const { EINTR } = constants.errno;
const WORKER = bundle(new URL('./kvm-worker.ts', import.meta.url));
const WAIT_MS = 20_000;
const KICKS = 3000;

describe('two threads', () => {
  let kvm: Kvm;
  let vm: Vm;
  let ram: HostMemory;
  let vcpu: Vcpu;
  let state: Int32Array<SharedArrayBuffer>;

  beforeEach(() => {
    kvm = Kvm.open();
    vm = kvm.createVm();
    ram = HostMemory.memfd(0x10000);
    vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: BigInt(ram.size), userspaceAddr: ram.address });
    vcpu = vm.createVcpu(0);
    state = new Int32Array(new SharedArrayBuffer(8));
  });

  afterEach(() => {
    for (const handle of [vcpu, vm, ram, kvm]) handle.close();
  });

  const start = (task: Task['task']) =>
    new TestWorker(WORKER, { task, vm: vm.handle, ram: ram.handle, shared: state.buffer } satisfies Task);

  it('kick each other, and no kick is lost', { timeout: patiently(120_000) }, async () => {
    const worker = start('spin');
    const spinning = await worker.next<{ vcpu: number }>();
    for (let kicks = 0; kicks < KICKS; kicks++) {
      kickVcpu(spinning.vcpu);
      // The worker counts each kick; were one lost, it would run until its budget ends. Poll, so that the next kick
      // comes just as the worker enters again.
      const deadline = performance.now() + WAIT_MS;
      while (Atomics.load(state, 0) === kicks && performance.now() < deadline);
      if (Atomics.load(state, 0) !== kicks + 1) expect.fail(`kick ${kicks} was lost`);
    }
    Atomics.store(state, 1, 1);
    kickVcpu(spinning.vcpu);
    expect(await worker.next()).toEqual({ done: true });
    await worker.exited;
    expect(kickVcpu(spinning.vcpu)).toBe(false);
  });

  it('keep a kick that comes before the run', () => {
    realMode(vcpu, ram, [[0xeb, 0xfe]]); // jmp $
    kickVcpu(vcpu.handle);
    kickVcpu(vcpu.handle);

    expect(vcpu.enter(WAIT_MS)).toBe(EINTR);
    expect([vcpu.kicked, vcpu.timedOut]).toEqual([true, false]);

    expect(vcpu.enter(10)).toBe(EINTR);
    expect([vcpu.kicked, vcpu.timedOut]).toEqual([false, true]);
  });

  it('run two vCPUs of one VM on the same memory', async () => {
    const rounds = 50_000;
    realMode(
      vcpu,
      ram,
      [
        [0x66, 0xb9, ...new Uint8Array(Uint32Array.of(rounds).buffer)], // mov ecx, rounds
        [0x66, 0xff, 0x06, 0x00, 0x00], // again: inc dword [0]
        [0x66, 0x49], // dec ecx
        [0x75, 0xf7], // jnz again
        [0xf4], // hlt
      ],
      { ds: 0x2000 },
    );
    const worker = start('count');
    await worker.next();
    vcpu.setMpState(KVM_MP_STATE_RUNNABLE);
    Atomics.store(state, 1, 1);
    Atomics.notify(state, 1);

    expect(vcpu.enter(WAIT_MS)).toBe(0);

    expect(vcpu.run.exitReason).toBe(KVM_EXIT_HLT);
    expect(new DataView(ram.buffer).getUint32(0x2000, true)).toBe(rounds);
    expect(await worker.next()).toEqual({ errno: 0, reason: KVM_EXIT_HLT, count: rounds });
    await worker.exited;
  });
});

describe('a worker that is terminated', () => {
  it('leaves no VM, mapping or file behind', async () => {
    const shared = new SharedArrayBuffer(8);
    const before = held();
    for (let i = 0; i < 25; i++) {
      const worker = new TestWorker(WORKER, { task: 'churn', vm: 0, ram: 0, shared });
      await worker.next();
      await new Promise((done) => setTimeout(done, patiently(i)));
      await worker.terminate();
    }
    expect(new Uint32Array(shared)[0]).toBeGreaterThan(0);
    expect(held()).toEqual(before);
  });
});
