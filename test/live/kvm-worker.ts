import { parentPort, workerData } from 'node:worker_threads';
import { HostMemory, Kvm, Vm } from '../../src/kvm/index.js';
import { realMode } from './real-mode.js';

// What a worker of the kvm tests does; `task` picks it.

/** Handed to the worker. */
export interface Task {
  task: 'spin' | 'count' | 'churn';
  vm: number;
  ram: number;
  /** Two i32s: a counter, and 1 to stop. */
  shared: SharedArrayBuffer;
}

/** Endless loop at 0x1000. */
export const SPIN = [[0xeb, 0xfe]];

const LONG_MS = 60_000;
const { task, vm: vmHandle, ram: ramHandle, shared } = workerData as Task;
const state = new Int32Array(shared ?? new SharedArrayBuffer(8));

/** Run an endless loop again and again, each time until it is kicked, and count the kicks. */
function spin(): void {
  using vm = Vm.attach(vmHandle);
  using ram = HostMemory.attach(ramHandle);
  using vcpu = vm.createVcpu(1);
  realMode(vcpu, ram, SPIN);
  parentPort?.postMessage({ vcpu: vcpu.handle });
  while (Atomics.load(state, 1) === 0) {
    const errno = vcpu.enter(LONG_MS);
    if (!vcpu.kicked) {
      parentPort?.postMessage({ errno, timedOut: vcpu.timedOut });
      return;
    }
    Atomics.add(state, 0, 1);
    Atomics.notify(state, 0);
  }
  parentPort?.postMessage({ done: true });
}

/** Run a counting guest on a vCPU of the other thread's VM, while that thread runs another. */
function count(): void {
  using vm = Vm.attach(vmHandle);
  using ram = HostMemory.attach(ramHandle);
  using vcpu = vm.createVcpu(1);
  realMode(vcpu, ram, [], { ds: 0x3000 });
  parentPort?.postMessage('ready');
  Atomics.wait(state, 1, 0);
  const errno = vcpu.enter(LONG_MS);
  parentPort?.postMessage({
    errno,
    reason: vcpu.run.exitReason,
    count: new DataView(ram.buffer).getUint32(0x3000, true),
  });
}

/** Make and run VMs until terminated. */
function churn(): void {
  parentPort?.postMessage('started');
  for (;;) {
    const kvm = Kvm.open();
    const vm = kvm.createVm();
    const ram = HostMemory.memfd(0x10000);
    vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: 0x10000n, userspaceAddr: ram.address });
    const vcpu = vm.createVcpu(0);
    realMode(vcpu, ram, SPIN);
    vcpu.enter(2);
    Atomics.add(state, 0, 1);
    for (const handle of [kvm, ram, vm, vcpu]) handle.close();
  }
}

({ spin, count, churn })[task]();
