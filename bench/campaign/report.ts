import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { storeResults } from './stored.js';

// How long `campaign report` and `campaign history` take over results that are stored, and how that grows. Exits 1 if 100,000 take longer than the bound.
// Usage: npm run bench:campaign [-- <number of results> ...]

const PROGRAM = fileURLToPath(new URL('../../../bin/kvm-memtype.js', import.meta.url));
const BOUND_SECONDS = 5;
const BOUND_OF = 100_000;
const FORMATS = ['markdown', 'html', 'kcidb', 'junit', 'json'];

/** One large run, and many runs of a history: the same number of results. */
const shapesOf = (results: number) => [
  { name: 'in 1 run', runs: 1, seeds: results },
  { name: 'in 50 runs', runs: 50, seeds: results / 50 },
];

function seconds(args: readonly string[]): number {
  const begin = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, '--quiet', ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  // Something of what is stored may have failed.
  if (status !== 0 && status !== 1)
    throw new Error(`campaign ${args.join(' ')} ended with ${status}: ${stderr}`);
  return (performance.now() - begin) / 1000;
}

function measure(results: number): boolean {
  let isWithin = true;
  for (const { name, ...size } of shapesOf(results)) {
    const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-bench-'));
    try {
      const count = storeResults(folder, size);
      // The first time, earlier runs get into the index.
      const rows: [name: string, seconds: number][] = ['first', ...FORMATS].map((name) => {
        const format = name === 'first' ? 'markdown' : name;
        const args = ['campaign', 'report', folder, '--format', format, '--output', join(folder, 'report')];
        return [name, seconds(args)];
      });
      seconds(['campaign', 'history', folder]);
      rows.push(['history', seconds(['campaign', 'history', folder])]);
      const text = rows.map(([format, took]) => `${format} ${took.toFixed(1)} s`).join(', ');
      process.stdout.write(`${count} results ${name}: ${text}\n`);
      if (results === BOUND_OF) isWithin &&= rows.every(([, took]) => took < BOUND_SECONDS);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return isWithin;
}

const given = process.argv.slice(2).map(Number);
const sizes = given.length > 0 ? given : [10_000, BOUND_OF];
const within = sizes.map(measure);
if (within.includes(false)) {
  process.stderr.write(`over ${BOUND_SECONDS} s\n`);
  process.exitCode = 1;
}
