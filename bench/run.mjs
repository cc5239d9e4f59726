// Build the benchmarks, or the soak test, into build/bench and run them: npm run bench, bench:lab, bench:campaign, bench:queue, soak.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', 'build', 'bench');

async function bundle(...names) {
  await build({
    entryPoints: names.map((name) => join(here, `${name}.ts`)),
    outdir: out,
    outbase: here,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  return names.map((name) => join(out, `${name}.mjs`));
}

async function bench() {
  const cProgram = join(out, 'kvm');
  const flags = ['-O2', '-Wall', '-Wextra', '-Werror'];
  execFileSync('cc', [...flags, '-o', cProgram, join(here, 'kvm.c')], { stdio: 'inherit' });
  const [main, kickWorker] = await bundle('main', 'kick-worker');
  return [main, cProgram, kickWorker];
}

// A small young generation: left alone, V8 enlarges it by megabytes, which would hide a leak.
const soak = async () => ['--max-semi-space-size=1', ...(await bundle('soak'))];

const campaign = () => bundle('campaign/report');
const queue = async () => [...(await bundle('campaign/queue')), ...process.argv.slice(3)];

const lab = () => bundle('lab');

const programs = { bench, lab, campaign, queue, soak };
const program = programs[process.argv[2] ?? ''];
if (!program) {
  console.error(`usage: node bench/run.mjs ${Object.keys(programs).join('|')}`);
  process.exit(2);
}
mkdirSync(out, { recursive: true });
const args = await program();
try {
  // Keep others that share the machine out of the figures, where we may.
  setPriority(-19);
} catch {
  console.error('not root: other processes may disturb the figures');
}
process.exit(
  spawnSync(process.execPath, ['--expose-gc', ...args, ...process.argv.slice(3)], { stdio: 'inherit' })
    .status ?? 1,
);
