import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { kickVcpu } from '../src/kvm/index.js';

const SAMPLES = 2000;
/** Long enough that the vCPU is in the guest again. */
const PAUSE_US = 200n;

function pause(): void {
  const end = process.hrtime.bigint() + PAUSE_US * 1000n;
  while (process.hrtime.bigint() < end);
}

/** Microseconds from kickVcpu() to the return of enter() in another thread, sorted. */
export async function kickLatencies(worker: string): Promise<number[]> {
  const shared = new SharedArrayBuffer(16);
  const state = new Int32Array(shared, 0, 2);
  const when = new BigInt64Array(shared, 8, 1);
  const thread = new Worker(worker, { workerData: { shared } });
  const [vcpu] = (await once(thread, 'message')) as [number];
  const samples: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    pause();
    const start = process.hrtime.bigint();
    kickVcpu(vcpu);
    while (Atomics.load(state, 0) === i);
    samples.push(Number((when[0] ?? 0n) - start) / 1000);
  }
  Atomics.store(state, 1, 1);
  kickVcpu(vcpu);
  await once(thread, 'exit');
  return samples.sort((a, b) => a - b);
}
