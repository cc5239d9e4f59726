#!/usr/bin/env node
// `npm start -- ARGS`: set up, then `kvm-memtype run ARGS`. The lab's packages are only needed where KVM has no EPT to offer.
import { join } from 'node:path';
import { runNode } from './lib/exec.mjs';
import { hostHasEpt, ROOT, runMain, setup } from './setup.mjs';

await runMain(async () => {
  await setup({ lab: !hostHasEpt() });
  return runNode([join(ROOT, 'bin', 'kvm-memtype.js'), 'run', ...process.argv.slice(2)]);
});
