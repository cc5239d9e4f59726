import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { HostMemory, KVM_EXIT_IO, Kvm } from '../src/kvm/index.js';
import { load, PIO_LOOP, RAM_SIZE, start } from './guests.js';

// Create, run and destroy VMs ten thousand times and compare what the process holds. Exits 1 if it grew.

const CYCLES = 10_000;
const WARM_UP = 2000;
const RSS_BOUND_MIB = 5;
/** Collect now and then: what is looked for is what no collection frees. */
const CYCLES_PER_COLLECTION = 250;

interface Held {
  fds: number;
  mappings: number;
  rssMib: number;
}

/** Collect garbage and let finalizers run. */
async function collect(): Promise<void> {
  globalThis.gc?.();
  await turn();
}

async function held(): Promise<Held> {
  for (let i = 0; i < 3; i++) await collect();
  const maps = readFileSync('/proc/self/maps', 'utf8').split('\n');
  return {
    fds: readdirSync('/proc/self/fd').length,
    // The collector moves its own pages about; a leaked VM leaves kvm_run or a memfd mapped.
    mappings: maps.filter((line) => /kvm/.test(line)).length,
    rssMib: process.memoryUsage.rss() / 2 ** 20,
  };
}

function cycle(): void {
  const kvm = Kvm.open();
  const vm = kvm.createVm();
  const ram = HostMemory.memfd(RAM_SIZE);
  load(ram, PIO_LOOP);
  vm.setUserMemoryRegion({ slot: 0, gpa: 0n, size: BigInt(RAM_SIZE), userspaceAddr: ram.address });
  const vcpu = vm.createVcpu(0);
  start(vcpu);
  const errno = vcpu.enter(60_000);
  if (errno !== 0 || vcpu.run.exitReason !== KVM_EXIT_IO) throw new Error(`KVM_RUN: errno ${errno}`);
  for (const handle of [kvm, ram, vm, vcpu]) handle.close();
}

async function cycles(count: number): Promise<Held> {
  for (let i = 1; i <= count; i++) {
    cycle();
    if (i % CYCLES_PER_COLLECTION === 0) await collect();
  }
  return held();
}

const before = await cycles(WARM_UP);
const after = await cycles(CYCLES);
const growth = after.rssMib - before.rssMib;
const checks: [name: string, met: boolean, detail: string][] = [
  ['file descriptors', after.fds <= before.fds, `${before.fds} before, ${after.fds} after`],
  ['mappings', after.mappings <= before.mappings, `${before.mappings} before, ${after.mappings} after`],
  ['resident memory', growth < RSS_BOUND_MIB, `grew by ${growth.toFixed(2)} MiB, bound ${RSS_BOUND_MIB} MiB`],
];
console.log(`${CYCLES} times: create a VM, run it to its first exit, destroy it`);
for (const [name, met, detail] of checks) console.log(`${met ? 'ok  ' : 'MISS'} ${name}: ${detail}`);
process.exitCode = checks.every(([, met]) => met) ? 0 : 1;
