import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { git, makeRepository } from '../support/bisect-repo.js';
import { BIN } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'bisect-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** The repository holds KVM alone: what a commit changes goes upon Debian's whole source, of which most is built already. */
const SCRIPT = `
git diff base HEAD > "$1/commit.patch" || exit 128
exec "$2" "$3" --quiet bisect mtrr/live-variable --source debian:6.1 --patch "$1/commit.patch"
`;

// Builds several kernels, which takes minutes: no part of `npm test` (docs/ci.md).
test('git finds the commit with the fault, though one on the way does not compile', async () => {
  const tree = join(folder, 'linux');
  const script = join(folder, 'run.sh');
  writeFileSync(script, SCRIPT);
  await makeRepository(tree, { count: 8, faulty: 6, broken: 4 });

  git(tree, 'bisect', 'start', 'HEAD', 'HEAD~7');
  const out = git(tree, 'bisect', 'run', 'sh', script, folder, process.execPath, BIN);

  expect(git(tree, 'log', '-1', '--format=%s', 'refs/bisect/bad')).toBe('commit 6\n');
  const log = git(tree, 'bisect', 'log');
  expect(log).toMatch(/^# skip: .* commit 4$/m);
  expect(log).toMatch(/^# first bad commit: /m);
  expect(out).toContain('FAIL');
});
