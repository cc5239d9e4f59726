#!/usr/bin/env node
// `npm test -- ARGS`: set up, then all three vitest projects (pure, live, lab) unless ARGS choose otherwise.
import { join } from 'node:path';
import { runNode } from './lib/exec.mjs';
import { ROOT, runMain, setup } from './setup.mjs';

await runMain(async () => {
  await setup();
  return runNode([join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)], {
    cwd: ROOT,
  });
});
