#!/usr/bin/env node
// `npm start -- ARGS`: set up, then `kvm-memtype run ARGS`, or `run --quick` where there are none: on this host where its KVM has EPT,
// else on a kernel in the lab.
import { join } from 'node:path';
import { runNode } from './lib/exec.mjs';
import { hostHasEpt, ROOT, runMain, setup } from './setup.mjs';

const LAB_KERNEL = 'debian:6.1';

await runMain(async () => {
  const args = process.argv.slice(2);
  const chosen = args.some((arg) => /^--(kernel|engine|list|help)\b/.test(arg));
  const inLab = !chosen && !hostHasEpt();
  await setup({ lab: inLab || args.some((arg) => arg.startsWith('--kernel')) });
  const kernel = inLab ? ['--kernel', LAB_KERNEL] : [];
  const quick = args.length === 0 ? ['--quick'] : [];
  return runNode([join(ROOT, 'bin', 'kvm-memtype.js'), 'run', ...kernel, ...quick, ...args]);
});
