import { randomFill } from 'node:crypto';
import { openSync, read, readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { deflate } from 'node:zlib';
import { HostMemory, KVM_CAP_DIRTY_LOG_RING } from '../../src/kvm/index.js';
import { native } from '../../src/kvm/native.js';
import { streamed } from './byte-stream.js';

// What JavaScript can do with the buffers over native memory, one case a process: test/live/kvm-buffers.test.ts runs
// each, since the failure is that the process dies. A case that returns prints "survived".

const MIB = 2 ** 20;
const gc = (globalThis as { gc?: () => void }).gc ?? (() => {});

/** Let the collector find what is garbage, and finalizers run. */
async function collect(): Promise<void> {
  for (let i = 0; i < 5; i++) {
    gc();
    await turn();
  }
}

/** Touch every page. */
function touch(bytes: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 4096) {
    sum += bytes[at] as number;
    bytes[at] = 1;
  }
  return sum;
}

/** Bytes of address space that this process has mapped. */
function mapped(): number {
  return Number(/^VmSize:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
}

/** RAM, kvm_run and a dirty ring, each with how it is closed. */
function buffers(): { buffer: ArrayBuffer; close(): void }[] {
  const system = native().openSystem('/dev/kvm');
  const vm = system.createVm(0);
  const dirtyRing = new Uint8Array(104);
  new Uint32Array(dirtyRing.buffer).set([KVM_CAP_DIRTY_LOG_RING, 0, 0x10000]);
  vm.enableCap(dirtyRing);
  const [first, second] = [vm.createVcpu(0), vm.createVcpu(1)];
  const memfd = HostMemory.memfd(MIB);
  const anonymous = HostMemory.anonymous(MIB);
  return [
    { buffer: memfd.buffer, close: () => memfd.close() },
    { buffer: anonymous.buffer, close: () => anonymous.close() },
    { buffer: first.runBuffer(), close: () => first.close() },
    { buffer: second.dirtyRing(), close: () => second.close() },
  ];
}

/** Run `work` on the bytes of RAM, close the RAM as soon as it is under way, and wait for its end. */
async function closeDuring(work: (bytes: Uint8Array) => Promise<unknown>): Promise<void> {
  for (const make of [HostMemory.memfd, HostMemory.anonymous]) {
    const memory = make(48 * MIB);
    const done = work(new Uint8Array(memory.buffer)).catch(() => {});
    await new Promise((later) => setTimeout(later, 3));
    memory.close();
    await collect();
    await done;
  }
}

const CASES: Record<string, () => Promise<void>> = {
  'a byte stream': async () => {
    for (const { buffer, close } of buffers()) {
      const moved = await streamed(buffer);
      close();
      await collect();
      touch(moved);
    }
  },
  'a byte stream over memory that is closed by another thread': async () => {
    const memory = HostMemory.memfd(MIB);
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { close: memory.handle } });
    await new Promise((attached) => worker.once('message', attached));
    const moved = await streamed(memory.buffer);
    memory.close();
    worker.postMessage('close');
    await new Promise((ended) => worker.once('exit', ended));
    await collect();
    touch(moved);
  },
  transfer: async () => {
    for (const { buffer, close } of buffers()) {
      const moved = new Uint8Array((buffer as ArrayBuffer & { transfer(): ArrayBuffer }).transfer());
      close();
      await collect();
      touch(moved);
    }
  },
  structuredClone: async () => {
    for (const { buffer, close } of buffers()) {
      let bytes = new Uint8Array(buffer);
      try {
        bytes = new Uint8Array(structuredClone(buffer, { transfer: [buffer] }));
      } catch (error) {
        // Node refuses.
        if (!(error instanceof DOMException)) throw error;
      }
      close();
      await collect();
      touch(bytes);
    }
  },
  zlib: () => closeDuring(promisify<Uint8Array>(deflate)),
  'random bytes': () => closeDuring((bytes) => promisify<Uint8Array, void>(randomFill)(bytes)),
  'a file': () => {
    const zero = openSync('/dev/zero', 'r');
    return closeDuring((bytes) => new Promise((done) => read(zero, bytes, 0, bytes.length, 0, done)));
  },
  // Not zlib: Node 20 aborts when any buffer is moved under it.
  'random bytes after a move': () =>
    closeDuring(async (bytes) => {
      const done = promisify<Uint8Array, void>(randomFill)(bytes);
      await streamed(bytes.buffer as ArrayBuffer);
      await collect();
      await done;
    }),
  'a worker that ends': async () => {
    const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { end: true } });
    const exited = new Promise((ended) => worker.once('exit', ended));
    const moved = await new Promise<Uint8Array[]>((sent) => worker.once('message', sent));
    worker.postMessage('end');
    await exited;
    for (const bytes of moved) touch(bytes);
    await collect();
    for (const bytes of moved) touch(bytes);
  },
  'no close at all': async () => {
    const bytes = new Uint8Array(HostMemory.memfd(MIB).buffer).fill(7);
    await collect();
    if (bytes[4096] !== 7) throw new Error('the contents are gone');
  },
  'addresses that come back': async () => {
    const round = async () => {
      for (let i = 0; i < 20; i++) {
        const memory = HostMemory.memfd(64 * MIB);
        new Uint8Array(memory.buffer)[0] = 1;
        memory.close();
      }
      await collect();
    };
    await round();
    const before = mapped();
    for (let i = 0; i < 4; i++) await round();
    const grown = mapped() - before;
    if (grown > 500 * MIB) throw new Error(`${grown / MIB} MiB of addresses more`);
  },
  'addresses of workers that end': async () => {
    const round = async () => {
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { hold: 512 * MIB } });
      await new Promise((ready) => worker.once('message', ready));
      await worker.terminate();
    };
    for (let i = 0; i < 2; i++) await round();
    const before = mapped();
    for (let i = 0; i < 6; i++) await round();
    const grown = mapped() - before;
    if (grown > 1024 * MIB) throw new Error(`${grown / MIB} MiB of addresses more`);
  },
};

/** The part of a case that runs on another thread. */
async function inWorker(task: { close?: number; end?: boolean; hold?: number }): Promise<void> {
  const asked = new Promise((message) => parentPort?.once('message', message));
  if (task.close !== undefined) {
    const memory = HostMemory.attach(task.close);
    touch(new Uint8Array(memory.buffer));
    parentPort?.postMessage('attached');
    await asked;
    memory.close();
  }
  if (task.hold !== undefined) {
    const memory = HostMemory.memfd(task.hold);
    new Uint8Array(memory.buffer)[0] = 1;
    parentPort?.postMessage('ready');
    await asked;
  }
  if (task.end) {
    const moved = await Promise.all(buffers().map(({ buffer }) => streamed(buffer)));
    parentPort?.postMessage(
      moved,
      moved.map((bytes) => bytes.buffer as ArrayBuffer),
    );
    await asked;
    process.exit();
  }
}

if (isMainThread) {
  const name = process.argv[2];
  if (name === undefined) console.log(Object.keys(CASES).join('\n'));
  else {
    await CASES[name]?.();
    console.log('survived');
  }
} else await inWorker(workerData);
