import { execFileSync } from 'node:child_process';
import { Kvm } from '../src/kvm/index.js';
import { allocationPerExit } from './allocation.js';
import { type ExitLoop, pioLoop, vmLoop, wrmsrLoop } from './exits.js';
import { kickLatencies } from './kick.js';

// Benchmarks of the addon and the machine against C, each beside its bound. Exits 1 if a bound is missed.
// Usage: main.mjs <C program> <kick worker>

const [cProgram = '', kickWorker = ''] = process.argv.slice(2);
const ROUNDS = 15;

interface Result {
  name: string;
  value: number;
  bound: number;
  unit: string;
  detail: string;
}

/** Nanoseconds of one unit on either side. Rounds alternate and the best counts: others share the machine. */
function against(kind: string, loop: ExitLoop, count: number): { ours: number; theirs: number } {
  let ours = Number.POSITIVE_INFINITY;
  let theirs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    theirs = Math.min(theirs, Number(execFileSync(cProgram, [kind, String(count)])) / count);
    const start = process.hrtime.bigint();
    loop.take(count);
    ours = Math.min(ours, Number(process.hrtime.bigint() - start) / count);
  }
  loop.close();
  return { ours, theirs };
}

function ratio(name: string, kind: string, loop: ExitLoop, count: number, bound: number): Result {
  const { ours, theirs } = against(kind, loop, count);
  const detail = `TypeScript ${ours.toFixed(0)} ns, C ${theirs.toFixed(0)} ns`;
  return { name, value: ours / theirs, bound, unit: 'x', detail };
}

async function* results(): AsyncGenerator<Result> {
  using kvm = Kvm.open();
  yield ratio('PIO exit', 'pio', pioLoop(kvm), 20_000, 1.05);
  yield ratio('WRMSR exit', 'wrmsr', wrmsrLoop(kvm), 20_000, 1.1);
  yield ratio('VM create, run, destroy', 'vm', vmLoop(kvm), 50, 1.5);
  const latencies = await kickLatencies(kickWorker);
  const at = (part: number) => latencies[Math.floor(latencies.length * part)] ?? Number.NaN;
  const detail = `${latencies.length} kicks, worst ${at(1 - 1e-9).toFixed(0)} us`;
  yield { name: 'kick latency, median', value: at(0.5), bound: 100, unit: ' us', detail };
  yield { name: 'kick latency, p99', value: at(0.99), bound: 1000, unit: ' us', detail };
  const { bytes, collections, exits } = await allocationPerExit(kvm);
  const value = collections > 0 ? Number.NaN : Math.max(bytes, 0) / exits;
  yield {
    name: 'allocated per PIO exit',
    value,
    bound: 0.5,
    unit: ' B',
    detail: `heap grew by ${bytes} B over ${exits} exits, ${collections} collections`,
  };
}

let missed = 0;
for await (const { name, value, bound, unit, detail } of results()) {
  const met = value <= bound;
  if (!met) missed++;
  const columns = [
    name.padEnd(26),
    `${value.toFixed(3)}${unit}`.padStart(12),
    `bound ${bound}${unit}`.padStart(16),
  ];
  console.log(`${met ? 'ok  ' : 'MISS'} ${columns.join(' ')}   ${detail}`);
}
process.exitCode = missed > 0 ? 1 : 0;
