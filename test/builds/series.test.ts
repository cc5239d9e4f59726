import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { git, makeRepository } from '../support/bisect-repo.js';
import { runCli } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'series-'));
afterAll(() => rmSync(folder, { recursive: true }));

// Builds several kernels, which takes minutes: no part of `npm test` (docs/ci.md).
test('of a series of three the row of the second says that it is wrong', async () => {
  const tree = join(folder, 'linux');
  await makeRepository(tree, { count: 3, faulty: 2 });
  git(tree, 'format-patch', '--quiet', '--cover-letter', '-o', folder, 'base');
  const args = ['--scenario', 'mtrr/live-variable', '--git', tree];

  const { status, stdout, stderr } = await runCli(['series', 'debian:6.1', 'base..main', ...args]);

  expect(stderr).not.toContain('cannot');
  expect(stdout).toMatch(/^base +yes +yes +A +1 +0 +0 +- +0$/m);
  expect(stdout).toMatch(/^1\/3 +yes +yes +A +1 +0 +0 +0 +0$/m);
  expect(stdout).toMatch(/^2\/3 +yes +yes +A +0 +1 +0 +/m);
  expect(stdout).toMatch(/2\/3 is worse than 1\/3: 1 scenario fails that did not/);
  expect(stdout).toMatch(/no Tested-by: see patch 2\/3\n$/);
  expect(status).toBe(1);
});
