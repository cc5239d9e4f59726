import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { kickVcpu } from '../src/kvm/index.js';

const ROUNDS = 6;
const KICKS_PER_ROUND = 500;
/** Long enough that the vCPU is in the guest again. */
const PAUSE_US = 200n;

function pause(): void {
  const end = process.hrtime.bigint() + PAUSE_US * 1000n;
  while (process.hrtime.bigint() < end);
}

/**
 * Microseconds from kickVcpu() to the return of enter() in another thread: the samples of each round, sorted.
 * @param worker the bundled kick-worker.ts
 */
export async function kickLatencies(worker: string): Promise<number[][]> {
  const shared = new SharedArrayBuffer(16);
  const state = new Int32Array(shared, 0, 2);
  const when = new BigInt64Array(shared, 8, 1);
  const thread = new Worker(worker, { workerData: { shared } });
  const [vcpu] = (await once(thread, 'message')) as [number];
  let kicks = 0;
  const sample = () => {
    pause();
    const start = process.hrtime.bigint();
    kickVcpu(vcpu);
    while (Atomics.load(state, 0) === kicks);
    kicks++;
    return Number((when[0] ?? 0n) - start) / 1000;
  };
  const rounds = Array.from({ length: ROUNDS }, () =>
    Array.from({ length: KICKS_PER_ROUND }, sample).sort((a, b) => a - b),
  );
  Atomics.store(state, 1, 1);
  kickVcpu(vcpu);
  await once(thread, 'exit');
  return rounds;
}
