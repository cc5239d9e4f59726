import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate as turn } from 'node:timers/promises';
import type { Kvm } from '../src/kvm/index.js';
import { pioLoop } from './exits.js';

const EXITS = 1_000_000;
const BATCH = 50_000;

/** What a million PIO exits allocate. */
export interface Allocation {
  /** Growth of the heap over all exits, bytes; only meaningful if nothing was collected. */
  bytes: number;
  collections: number;
  exits: number;
}

/** Measure the JavaScript heap over a million PIO exits, once the code is compiled. */
export async function allocationPerExit(kvm: Kvm): Promise<Allocation> {
  const loop = pioLoop(kvm);
  loop.take(BATCH * 4);
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  globalThis.gc?.();
  await turn();
  await turn();
  collections = 0;
  const before = process.memoryUsage().heapUsed;
  for (let done = 0; done < EXITS; done += BATCH) loop.take(BATCH);
  const bytes = process.memoryUsage().heapUsed - before;
  await turn();
  await turn();
  observer.disconnect();
  loop.close();
  return { bytes, collections, exits: EXITS };
}
