#!/usr/bin/env node
// `npm test -- ARGS`: set up, then all three vitest projects (pure, live, lab) unless ARGS choose otherwise.
import { join } from 'node:path';
import { runNode } from './lib/exec.mjs';
import { ROOT, runMain, setup } from './setup.mjs';

await runMain(async () => {
  await setup();
  // Tests become another user for a moment, which Node refuses while libuv might use io_uring, as Debian 13's may.
  const env = { ...process.env, UV_USE_IO_URING: '0' };
  return runNode([join(ROOT, 'node_modules', 'vitest', 'vitest.mjs'), 'run', ...process.argv.slice(2)], {
    cwd: ROOT,
    env,
  });
});
