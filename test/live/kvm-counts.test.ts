/** @module-tag kvm */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { KvmError } from '../../src/kvm/index.js';
import { type NativeSystem, type NativeVcpu, native } from '../../src/kvm/native.js';
import { patiently } from '../patience.js';

const ENTRIES = 200;
const ATTEMPTS = 50_000;
const PAT = 0x277;

/** Ioctls that say in their first word how many entries follow: header, entry and how one is called with bytes. */
const COUNTED: [
  name: string,
  header: number,
  entry: number,
  call: (h: { system: NativeSystem; vcpu: NativeVcpu }, bytes: Uint8Array) => number,
][] = [
  ['KVM_GET_MSRS', 8, 16, ({ vcpu }, bytes) => vcpu.getMsrs(bytes)],
  ['KVM_GET_CPUID2', 8, 40, ({ vcpu }, bytes) => vcpu.getCpuid2(bytes)],
  ['KVM_GET_SUPPORTED_CPUID', 8, 40, ({ system }, bytes) => system.supportedCpuid(bytes)],
  ['KVM_GET_MSR_INDEX_LIST', 4, 4, ({ system }, bytes) => system.msrIndexList(bytes)],
];

/** Writes 1 and ENTRIES to the first word in turn, each for as long, until the second array says stop. */
const FLIP = `
  const { count, stop } = require('node:worker_threads').workerData;
  require('node:worker_threads').parentPort.postMessage('started');
  while (Atomics.load(stop, 0) === 0) {
    count[0] = 1;
    if (Atomics.load(stop, 0) !== 0) break;
    count[0] = ${ENTRIES};
  }
`;

describe('a count that another thread changes', () => {
  it.each(COUNTED)(
    '%s stays within the bytes it was given',
    { timeout: patiently(120_000) },
    async (_, header, entry, call) => {
      const system = native().openSystem('/dev/kvm');
      const vm = system.createVm(0);
      const vcpu = vm.createVcpu(0);
      const cpuid = new Uint8Array(8 + 40 * ENTRIES);
      new Uint32Array(cpuid.buffer)[0] = ENTRIES;
      system.supportedCpuid(cpuid);
      vcpu.setCpuid2(cpuid);
      // Room for one entry is handed over; the entries behind it are ours to look at.
      const shared = new SharedArrayBuffer(header + entry * ENTRIES);
      const words = new Uint32Array(shared);
      for (let at = header / 4; at < words.length; at += entry / 4) words[at] = PAT;
      const bytes = new Uint8Array(shared, 0, header + entry);
      const behind = new Uint8Array(shared, header + entry);
      const before = Buffer.from(behind);
      const stop = new Int32Array(new SharedArrayBuffer(4));
      const worker = new Worker(FLIP, { eval: true, workerData: { count: words, stop } });
      await new Promise((started) => worker.once('message', started));

      const outcomes = new Set<string>();
      for (let i = 0; i < ATTEMPTS && behind.every((byte, at) => byte === before[at]); i += 100) {
        for (let j = 0; j < 100; j++) {
          try {
            call({ system, vcpu }, bytes);
            outcomes.add('done');
          } catch (error) {
            if (!(error instanceof KvmError)) throw error;
            outcomes.add(error.code);
          }
        }
      }
      Atomics.store(stop, 0, 1);
      await worker.terminate();
      for (const handle of [vcpu, vm, system]) handle.close();

      expect(Buffer.from(behind)).toEqual(before);
      // The other thread was at work: both counts were seen.
      expect(outcomes).toContain('KVM_ARGUMENT');
      expect(outcomes.size).toBeGreaterThan(1);
    },
  );
});
