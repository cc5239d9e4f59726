import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type OwnCache, ownCache } from '../test/support/own-cache.js';
import { medianInterval } from './interval.js';

// Benchmarks of the lab: npm run bench:lab. What machines differ in cancels out, as each row is a ratio to what the same machine took for
// the whole catalogue as it was before there were saved machines: booted, KVM built in, Debian's emulator. CPU seconds of whole commands,
// so that what others do to the machine counts little. Exits 1 if a bound is missed.

const PROGRAM = join(process.cwd(), 'bin', 'kvm-memtype.js');
/** Nothing of KVM changes by it, but its object file's source. */
const PATCH = `A comment

--- a/arch/x86/kvm/mtrr.c
+++ b/arch/x86/kvm/mtrr.c
@@ -1 +1,2 @@
+/* A line more. */
 // SPDX-License-Identifier: GPL-2.0-only
`;
const QUICK_TURNS = 15;

interface Row {
  name: string;
  ratio: number;
  bound: number;
  detail: string;
}

type Env = Record<string, string>;

/** User and system time of the children of a shell, in its own words: `0m1.23s 0m0.45s`. */
function secondsOf(times: string): number {
  const last = times.trim().split('\n').at(-1) ?? '';
  const parts = [...last.matchAll(/(\d+)m([\d.]+)s/g)];
  return parts.reduce((sum, [, minutes, seconds]) => sum + 60 * Number(minutes) + Number(seconds), 0);
}

/** CPU seconds of a command and all its children, emulators among them. @throws Error if it fails */
function cpuSeconds(args: readonly string[], env: Env): number {
  const script = '"$@" >/dev/null; status=$?; times; exit $status';
  const { status, stdout } = spawnSync('sh', ['-c', script, 'sh', process.execPath, PROGRAM, '-q', ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`kvm-memtype ${args.join(' ')} ended with ${status}`);
  return secondsOf(stdout);
}

const row = (name: string, seconds: number, base: number, bound: number): Row => ({
  name,
  ratio: seconds / base,
  bound,
  detail: `${seconds.toFixed(1)} s of ${base.toFixed(1)} s`,
});

function* scenarioRows(source: string, cache: OwnCache, base: number): Generator<Row> {
  const own = { XDG_CACHE_HOME: cache.home };
  const on = ['--kernel', source];
  const measure = (...args: string[]): number => cpuSeconds([...args, ...on], own);
  yield row(`${source}: catalogue, first boot`, measure('run'), base, 1);
  yield row(`${source}: catalogue, kernel seen before`, measure('run'), base, 0.36);
  yield row(`${source}: one scenario`, measure('run', 'ram/default'), base, 0.1);
  yield row(`${source}: 200 random scenarios`, measure('fuzz', '--seed', '1', '--count', '200'), base, 1);
}

/** A kernel with a patch to KVM alone, once one with no patch is there: built, and the whole catalogue on it. */
function patchRow(source: string, cache: OwnCache, base: number): Row {
  const patch = join(cache.home, 'bench.patch');
  writeFileSync(patch, PATCH);
  // Its kernels are its own, so that it builds.
  const kernels = join(cache.home, 'kvm-memtype', 'kernels');
  rmSync(kernels);
  mkdirSync(kernels, { mode: 0o700 });
  const build = (more: readonly string[], env: Env): number =>
    cpuSeconds(['kernel', 'build', '--source', source, ...more], { ...own, ...env });
  const own = { XDG_CACHE_HOME: cache.home };
  const modules = { KVM_MEMTYPE_MODULES: '1' };
  build([], {});
  const before = build(['--patch', patch], {}) + base;
  build([], modules);
  cpuSeconds(['run', 'ram/*', '--kernel', source], { ...own, ...modules });
  const now =
    build(['--patch', patch], modules) +
    cpuSeconds(['run', '--kernel', source, '--patch', patch], { ...own, ...modules });
  return row(`${source}: patch to KVM, build and catalogue`, now, before, 0.4);
}

/** Milliseconds of wall time; how it ends does not matter: `doctor` finds something on most machines. */
function wall(args: readonly string[]): number {
  const start = process.hrtime.bigint();
  spawnSync(process.execPath, args, { stdio: 'ignore' });
  return Number(process.hrtime.bigint() - start) / 1e6;
}

function quickRow(name: string, args: readonly string[]): Row {
  const ratios: number[] = [];
  const times: number[] = [];
  for (let turn = 0; turn < QUICK_TURNS; turn++) {
    const node = wall(['-e', '0']);
    const ours = wall([PROGRAM, ...args]);
    ratios.push(ours / node);
    times.push(ours);
  }
  const { low, median, high } = medianInterval(ratios);
  const detail = `${low.toFixed(2)} to ${high.toFixed(2)}; ${medianInterval(times).median.toFixed(0)} ms`;
  return { name: `${name}, to node -e 0`, ratio: median, bound: 5, detail };
}

function* rows(): Generator<Row> {
  yield quickRow('run --list', ['run', '--list']);
  yield quickRow('explain', ['explain', '--policy', '6.1', '--gpa', '0x1000']);
  yield quickRow('doctor', ['doctor']);
  for (const source of ['debian:6.1', 'debian:7.2']) {
    execFileSync(process.execPath, [PROGRAM, '-q', 'kernel', 'build', '--source', source], {
      stdio: 'ignore',
    });
    const base = cpuSeconds(['run', '--kernel', source, '--no-snapshot'], {
      KVM_MEMTYPE_EMULATOR: 'packaged',
    });
    const cache = ownCache();
    try {
      yield* scenarioRows(source, cache, base);
      yield patchRow(source, cache, base);
    } finally {
      cache.remove();
    }
  }
}

let missed = 0;
for (const { name, ratio, bound, detail } of rows()) {
  const met = ratio <= bound;
  if (!met) missed++;
  const columns = [name.padEnd(48), ratio.toFixed(3).padStart(7), `bound ${bound}`.padStart(11)];
  console.log(`${met ? 'ok  ' : 'MISS'} ${columns.join(' ')}   ${detail}`);
}
process.exitCode = missed > 0 ? 1 : 0;
