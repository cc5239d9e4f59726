// Build the benchmarks into build/bench and run them: npm run bench.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', 'build', 'bench');

mkdirSync(out, { recursive: true });
execFileSync('cc', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', join(out, 'kvm'), join(here, 'kvm.c')], {
  stdio: 'inherit',
});
await build({
  entryPoints: ['main.ts', 'kick-worker.ts'].map((name) => join(here, name)),
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
});
const args = ['--expose-gc', join(out, 'main.mjs'), join(out, 'kvm'), join(out, 'kick-worker.mjs')];
process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
