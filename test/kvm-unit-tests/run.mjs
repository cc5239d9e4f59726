// Set up, build the comparison with QEMU into build/kvm-unit-tests and run it: KVM_UNIT_TESTS=<dir> npm run kvm-unit-tests [image…].
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { runNode } from '../../scripts/lib/exec.mjs';
import { ROOT, runMain, setup } from '../../scripts/setup.mjs';

const here = import.meta.dirname;
const out = join(ROOT, 'build', 'kvm-unit-tests');

/** Take the program as it is built: its modules find their files from where they lie, which a bundle would change. */
const asBuilt = {
  name: 'as-built',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^(\.\.\/)+src\// }, ({ path }) => ({
      path: join(ROOT, 'dist', path.replace(/^(\.\.\/)+src\//, '')),
      external: true,
    })),
};

await runMain(async () => {
  await setup();
  const { build } = await import('esbuild');
  await build({
    entryPoints: [join(here, 'main.ts')],
    outfile: join(out, 'main.mjs'),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    plugins: [asBuilt],
    logLevel: 'warning',
  });
  copyFileSync(join(here, 'agent.mjs'), join(out, 'agent.mjs'));
  return runNode([join(out, 'main.mjs'), ...process.argv.slice(2)]);
});
