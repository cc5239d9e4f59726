import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { kickVcpu } from '../src/kvm/index.js';

const SAMPLES = 2000;
const MAX_ATTEMPTS = 40_000;
/** Long enough that the vCPU is in the guest again. */
const PAUSE_US = 200n;

function pause(): void {
  const end = process.hrtime.bigint() + PAUSE_US * 1000n;
  while (process.hrtime.bigint() < end);
}

/** What the kicks took. */
export interface KickLatencies {
  /** Microseconds from kickVcpu() to the return of enter() in another thread, sorted. */
  microseconds: number[];
  /** Kicks that do not count, because another process took one of the two CPUs: that measures the scheduler. */
  preempted: number;
}

const preemptions = () => process.resourceUsage().involuntaryContextSwitches;

/** Kick an endless loop in another thread. @param worker the bundled kick-worker.ts */
export async function kickLatencies(worker: string): Promise<KickLatencies> {
  const shared = new SharedArrayBuffer(16);
  const state = new Int32Array(shared, 0, 2);
  const when = new BigInt64Array(shared, 8, 1);
  const thread = new Worker(worker, { workerData: { shared } });
  const [vcpu] = (await once(thread, 'message')) as [number];
  const microseconds: number[] = [];
  let attempts = 0;
  for (let before = preemptions(); microseconds.length < SAMPLES && attempts < MAX_ATTEMPTS; attempts++) {
    pause();
    const start = process.hrtime.bigint();
    kickVcpu(vcpu);
    while (Atomics.load(state, 0) === attempts);
    const after = preemptions();
    if (after === before) microseconds.push(Number((when[0] ?? 0n) - start) / 1000);
    before = after;
  }
  Atomics.store(state, 1, 1);
  kickVcpu(vcpu);
  await once(thread, 'exit');
  return { microseconds: microseconds.sort((a, b) => a - b), preempted: attempts - microseconds.length };
}
