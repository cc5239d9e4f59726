import { execFileSync } from 'node:child_process';
import { Kvm } from '../src/kvm/index.js';
import { allocationPerExit } from './allocation.js';
import { type ExitLoop, pioLoop, vmLoop, wrmsrLoop } from './exits.js';
import { kickLatencies } from './kick.js';

// Benchmarks of the addon and the machine against C, each beside its bound. Exits 1 if a bound is missed.
// Usage: main.mjs <C program> <kick worker>

const [cProgram = '', kickWorker = ''] = process.argv.slice(2);
const ROUNDS = 10;
const BATCHES_PER_ROUND = 40;

interface Result {
  name: string;
  value: number;
  bound: number;
  unit: string;
  detail: string;
}

const quantile = (sorted: readonly number[], part: number) =>
  sorted[Math.floor(sorted.length * part)] ?? Number.NaN;

function oneBatch(loop: ExitLoop, count: number): number {
  const start = process.hrtime.bigint();
  loop.take(count);
  return Number(process.hrtime.bigint() - start);
}

/**
 * How long one unit takes on either side: short batches, in rounds that alternate, of which the fastest tenth counts,
 * because others share the machine.
 */
function ratio(name: string, kind: string, loop: ExitLoop, count: number, bound: number): Result {
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const lines = execFileSync(cProgram, [kind, String(count), String(BATCHES_PER_ROUND)], {
      encoding: 'utf8',
    });
    theirs.push(...lines.trim().split('\n').map(Number));
    for (let batch = 0; batch < BATCHES_PER_ROUND; batch++) ours.push(oneBatch(loop, count));
  }
  loop.close();
  const [us, c] = [ours, theirs].map(
    (times) =>
      quantile(
        times.sort((a, b) => a - b),
        0.1,
      ) / count,
  ) as [number, number];
  const detail = `TypeScript ${us.toFixed(0)} ns, C ${c.toFixed(0)} ns`;
  return { name, value: us / c, bound, unit: 'x', detail };
}

async function* results(): AsyncGenerator<Result> {
  using kvm = Kvm.open();
  yield ratio('PIO exit', 'pio', pioLoop(kvm), 500, 1.05);
  yield ratio('WRMSR exit', 'wrmsr', wrmsrLoop(kvm), 500, 1.1);
  yield ratio('VM create, run, destroy', 'vm', vmLoop(kvm), 4, 1.5);
  const { microseconds, preempted } = await kickLatencies(kickWorker);
  const detail = `${microseconds.length} kicks, worst ${microseconds.at(-1)?.toFixed(0)} us; ${preempted} more were preempted`;
  yield { name: 'kick latency, median', value: quantile(microseconds, 0.5), bound: 100, unit: ' us', detail };
  yield { name: 'kick latency, p99', value: quantile(microseconds, 0.99), bound: 1000, unit: ' us', detail };
  const { bytes, collections, exits } = await allocationPerExit(kvm);
  // The measurement itself allocates; what exits allocate is at least a byte each.
  const value = collections > 0 ? Number.NaN : Math.floor(Math.max(bytes, 0) / exits);
  yield {
    name: 'allocated per PIO exit',
    value,
    bound: 0,
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
