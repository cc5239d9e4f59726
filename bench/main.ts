import { Kvm } from '../src/kvm/index.js';
import { allocationPerExit } from './allocation.js';
import { allowedCpus, cSide, pin } from './c-side.js';
import { type ExitLoop, pioLoop, vmLoop, wrmsrLoop } from './exits.js';
import { medianInterval } from './interval.js';
import { kickLatencies } from './kick.js';

// Benchmarks of the addon and the machine against C, each beside its bound. Exits 1 if one is missed.
// Usage: main.mjs <C program> <kick worker>

const [cProgram = '', kickWorker = ''] = process.argv.slice(2);
const PAIRS = 400;
const WARM_UP_PAIRS = 20;

interface Result {
  name: string;
  value: number;
  /** Where the value lies with 95 % confidence, if that was found: a bound is missed only below `low`. */
  interval?: { low: number; high: number };
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
 * How long our side takes for each nanosecond of the C side: the median over pairs of batches of a millisecond, one after the other on
 * one processor. So what others do to the machine hits both alike, or a few pairs only.
 */
async function ratio(
  name: string,
  kind: string,
  loop: ExitLoop,
  count: number,
  bound: number,
): Promise<Result> {
  const cpus = allowedCpus();
  const cpu = Number.parseInt(cpus, 10);
  const c = await cSide(cProgram, kind, count, cpu);
  pin(String(cpu));
  const ratios: number[] = [];
  const times = { ours: [] as number[], theirs: [] as number[] };
  for (let pair = -WARM_UP_PAIRS; pair < PAIRS; pair++) {
    const first = pair % 2 === 0 ? oneBatch(loop, count) : undefined;
    const theirs = await c.batch();
    const ours = first ?? oneBatch(loop, count);
    if (pair < 0) continue;
    ratios.push(ours / theirs);
    times.ours.push(ours / count);
    times.theirs.push(theirs / count);
  }
  pin(cpus);
  loop.close();
  await c.close();
  const { low, median, high } = medianInterval(ratios);
  const [us, them] = [times.ours, times.theirs].map((all) => medianInterval(all).median.toFixed(0));
  const detail = `${low.toFixed(3)} to ${high.toFixed(3)}; TypeScript ${us} ns, C ${them} ns`;
  return { name, value: median, interval: { low, high }, bound, unit: 'x', detail };
}

async function* results(): AsyncGenerator<Result> {
  using kvm = Kvm.open();
  yield await ratio('PIO exit', 'pio', pioLoop(kvm), 500, 1.05);
  yield await ratio('WRMSR exit', 'wrmsr', wrmsrLoop(kvm), 500, 1.06);
  yield await ratio('VM create, run, destroy', 'vm', vmLoop(kvm), 4, 1.5);
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
for await (const { name, value, interval, bound, unit, detail } of results()) {
  const met = (interval?.low ?? value) <= bound;
  if (!met) missed++;
  const columns = [
    name.padEnd(26),
    `${value.toFixed(3)}${unit}`.padStart(12),
    `bound ${bound}${unit}`.padStart(16),
  ];
  console.log(`${met ? 'ok  ' : 'MISS'} ${columns.join(' ')}   ${detail}`);
}
process.exitCode = missed > 0 ? 1 : 0;
