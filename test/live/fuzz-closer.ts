import { parentPort, workerData } from 'node:worker_threads';
import { KvmError } from '../../src/kvm/index.js';
import { type NativeHandle, native } from '../../src/kvm/native.js';
import { SHARED } from './fuzz-args.js';

// The second thread of the fuzzer: take whatever the first one has open, use it, and close it again, often as the last
// owner. SHARED is what the two have in common.

const state = new Int32Array(workerData as SharedArrayBuffer);
const HELD = 8;

/** What can be done to a living thing by its number; each gives a handle, or nothing to close. */
const ACTS: (() => NativeHandle | undefined)[] = [
  () => {
    const memory = native().attachMemory(Atomics.load(state, SHARED.memory));
    const bytes = new Uint8Array(memory.buffer());
    bytes[0] = (bytes[0] as number) + 1;
    return memory;
  },
  () => {
    const memory = native().attachMemory(Atomics.load(state, SHARED.memory));
    memory.dontNeed(0, 4096);
    return memory;
  },
  () => native().attachVm(Atomics.load(state, SHARED.vm)),
  () => native().attachVm(Atomics.load(state, SHARED.vm)).createVcpu(200),
  () => {
    native().kickVcpu(Atomics.load(state, SHARED.vcpu));
    return undefined;
  },
];

const held: NativeHandle[] = [];
parentPort?.postMessage('started');
for (let turn = 0; Atomics.load(state, SHARED.stop) === 0; turn++) {
  try {
    const handle = ACTS[turn % ACTS.length]?.();
    if (handle) held.push(handle);
  } catch (error) {
    // The other thread was first.
    if (!(error instanceof KvmError)) throw error;
  }
  if (held.length > HELD) held.shift()?.close();
  Atomics.add(state, SHARED.closed, 1);
}
for (const handle of held) handle.close();
