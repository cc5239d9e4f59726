// Build the comparison with QEMU into build/kvm-unit-tests and run it: KVM_UNIT_TESTS=<dir> npm run kvm-unit-tests [image…].
import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, '..', '..', 'build', 'kvm-unit-tests');

await build({
  entryPoints: [join(here, 'main.ts')],
  outfile: join(out, 'main.mjs'),
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
});
copyFileSync(join(here, 'agent.mjs'), join(out, 'agent.mjs'));
const args = [join(out, 'main.mjs'), ...process.argv.slice(2)];
process.exit(spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1);
