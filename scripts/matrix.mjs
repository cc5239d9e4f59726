#!/usr/bin/env node
// `npm run matrix -- ARGS`: set up, then `kvm-memtype matrix ARGS`.
import { join } from 'node:path';
import { runNode } from './lib/exec.mjs';
import { ROOT, runMain, setup } from './setup.mjs';

await runMain(async () => {
  await setup();
  return runNode([join(ROOT, 'bin', 'kvm-memtype.js'), 'matrix', ...process.argv.slice(2)]);
});
