#!/usr/bin/env node
// `node scripts/test-on-node.mjs 22 [ARGS]`: run the pure and the live tests on another release of Node.js.
import { dirname, join } from 'node:path';
import { runNode } from './lib/exec.mjs';
import { SetupError } from './lib/failure.mjs';
import { HELD_ONCE } from './lib/held-once.mjs';
import { nodeRelease, RELEASES } from './lib/node-release.mjs';
import { ROOT, runMain, setup } from './setup.mjs';

await runMain(async () => {
  const [major, ...args] = process.argv.slice(2);
  const version = Object.hasOwn(RELEASES, major ?? '') ? RELEASES[major] : undefined;
  if (version === undefined)
    throw new SetupError(
      `usage: node scripts/test-on-node.mjs ${Object.keys(RELEASES).join('|')} [vitest's arguments]`,
    );
  await setup({ lab: false });
  const node = await nodeRelease(version);
  process.stderr.write(`kvm-memtype: testing on Node.js ${version}\n`);
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  // Tests that start `node` by its name start this one.
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
  return runNode([vitest, 'run', '--project', 'pure', '--project', 'live', ...HELD_ONCE, ...args], {
    cwd: ROOT,
    env,
    node,
  });
});
