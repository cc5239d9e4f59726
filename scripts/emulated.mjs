#!/usr/bin/env node
// `node scripts/emulated.mjs [vitest's arguments]`: run the live tests that open /dev/kvm where this machine has none: in one that QEMU
// emulates, with KVM for AMD. See docs/ci.md.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildProgram } from './build/program.mjs';
import { initramfs } from './emulated/initramfs.mjs';
import { debianKernel } from './emulated/kernel.mjs';
import { runMachine } from './emulated/machine.mjs';
import { ensurePackages } from './lib/debian.mjs';
import { runNode } from './lib/exec.mjs';
import { SetupError } from './lib/failure.mjs';
import { EMULATED } from './lib/packages.mjs';
import { ROOT, runMain, setup } from './setup.mjs';

const REPORTS = join(ROOT, 'reports');
const STATUS = join(REPORTS, '.status');
/** How many times longer than here a test may take there. */
const PATIENCE = 20;
/** Random calls of the addon: a fifth of what is usual, as each takes so long. */
const FUZZ_CALLS = 20_000;

/** Packages that are native, or an option: all others are part of the program there, as each opened file costs so much. */
const EXTERNAL = ['better-sqlite3', 'bullmq', 'ioredis', 'pg', '@bull-board/*', 'node-gyp-build', 'pino'];

const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

const VITEST = join('node_modules', 'vitest', 'vitest.mjs');
const PART = { KVM_MEMTYPE_LIVE: 'with-kvm', KVM_MEMTYPE_MODULE_CACHE: 'build/vitest-modules' };

/** Transform all that the tests import here, where it takes seconds. That what they open is missing does not matter. */
const warmCache = (args) =>
  runNode([VITEST, 'list', '--project', 'live', ...args.filter((word) => !word.startsWith('--reporter'))], {
    cwd: ROOT,
    env: { ...process.env, ...PART },
    stdio: 'ignore',
  });

/** The shell script that the machine runs, in this machine's files. */
function script(args) {
  const { HOME, PATH } = process.env;
  const env = {
    HOME,
    PATH,
    CI: true,
    ...PART,
    KVM_MEMTYPE_PATIENCE: PATIENCE,
    KVM_FUZZ_CALLS: FUZZ_CALLS,
    NO_COLOR: 1,
  };
  const lines = Object.entries(env).flatMap(([name, value]) =>
    value === undefined ? [] : [`export ${name}=${quoted(`${value}`)}`],
  );
  const vitest = ['run', '--project', 'live', ...args].map(quoted).join(' ');
  return [...lines, `cd ${quoted(ROOT)}`, `exec ${quoted(process.execPath)} ${VITEST} ${vitest}`, ''].join(
    '\n',
  );
}

await runMain(async () => {
  const args = process.argv.slice(2);
  if (process.getuid() !== 0)
    throw new SetupError('the emulated machine is given all files to read: it needs root', {
      code: 'EMULATED_ROOT',
    });
  await setup();
  await ensurePackages(EMULATED, ROOT);
  const { cacheRoot } = await import('../dist/lab/cache.js');
  const { makeScratch, removeScratch } = await import('../dist/lab/scratch.js');
  const kernel = await debianKernel(join(cacheRoot(), 'emulated'), ROOT);
  mkdirSync(REPORTS, { recursive: true });
  rmSync(STATUS, { force: true });
  const scratch = makeScratch();
  try {
    const initrd = join(scratch, 'initrd');
    const bundled = join(ROOT, 'build/emulated-program');
    await buildProgram(bundled, { external: EXTERNAL });
    const places = { REPORTS, PROGRAM: join(ROOT, 'dist/program'), BUNDLED: bundled };
    await warmCache(args);
    writeFileSync(initrd, await initramfs(kernel.folder, { command: script(args), places }));
    process.stderr.write(`kvm-memtype emulated: an AMD processor with ${kernel.name}\n`);
    await runMachine({ image: join(kernel.folder, kernel.image), initrd, reports: REPORTS });
  } finally {
    removeScratch(scratch);
  }
  if (!existsSync(STATUS))
    throw new SetupError('the emulated machine died: its last lines are above', { code: 'EMULATED_DIED' });
  const status = Number(readFileSync(STATUS, 'utf8'));
  rmSync(STATUS);
  return status;
});
