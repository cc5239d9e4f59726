import { parentPort, workerData } from 'node:worker_threads';
import { HostMemory, Kvm } from '../src/kvm/index.js';
import { load, RAM_SIZE, SPIN, start } from './guests.js';

// Run an endless loop until kicked, note the time of each return, and say so: [state, when] in shared memory.

const { shared } = workerData as { shared: SharedArrayBuffer };
const state = new Int32Array(shared, 0, 2);
const when = new BigInt64Array(shared, 8, 1);

using kvm = Kvm.open();
using vm = kvm.createVm();
using ram = HostMemory.memfd(RAM_SIZE);
vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: BigInt(RAM_SIZE), userspaceAddr: ram.address });
using vcpu = vm.createVcpu(0);
load(ram, SPIN);
start(vcpu);
parentPort?.postMessage(vcpu.handle);
while (Atomics.load(state, 1) === 0) {
  vcpu.enter(60_000);
  when[0] = process.hrtime.bigint();
  Atomics.add(state, 0, 1);
}
