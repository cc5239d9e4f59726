#!/usr/bin/env node
// `prebuild.mjs [--here]`, before `npm pack`: build, and put the addon and the guests where the package's users have them, who need no compiler then.
import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from '../lib/failure.mjs';
import { ROOT, runMain, setup } from '../setup.mjs';
import { tooNew } from './symbols.mjs';

const BUILT = join(ROOT, 'build/Release');
/** Where node-gyp-build looks for an addon that was built elsewhere; the guests lie beside it. */
const PREBUILT = join(ROOT, 'prebuilds/linux-x64');
const ADDON = 'kvm_memtype.node';

/** An addon that was built against a new C library does not load on an older Debian. */
function checkSymbols(addon) {
  const symbols = execFileSync('objdump', ['--dynamic-syms', addon], { encoding: 'utf8' });
  const found = tooNew(symbols);
  if (found.length > 0)
    throw new SetupError(
      `the addon needs ${found.join(', ')}, which Debian 12 does not have: make the package on Debian 12`,
      { code: 'PACKAGE_SYMBOLS' },
    );
}

/** tsc leaves what it made of sources that are gone; what is bundled is made anew each time. */
function removeOrphans() {
  for (const name of readdirSync(join(ROOT, 'dist'), { recursive: true })) {
    const [, module] = /^(.+?)\.(?:js|js\.map|d\.ts)$/.exec(name) ?? [];
    if (module === undefined || /^(lab\/agent\b|program\/)/.test(module)) continue;
    if (!existsSync(join(ROOT, 'src', `${module}.ts`))) rmSync(join(ROOT, 'dist', name));
  }
}

await runMain(async () => {
  await setup({ lab: false });
  removeOrphans();
  rmSync(PREBUILT, { recursive: true, force: true });
  mkdirSync(PREBUILT, { recursive: true });
  for (const name of readdirSync(BUILT).filter((name) => /\.(node|elf)$/.test(name)))
    copyFileSync(join(BUILT, name), join(PREBUILT, name));
  execFileSync('strip', ['--strip-unneeded', join(PREBUILT, ADDON)]);
  // For this machine alone it may be as new as it is.
  if (!process.argv.includes('--here')) checkSymbols(join(PREBUILT, ADDON));
  return 0;
});
