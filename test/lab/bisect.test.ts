import { expect, test } from 'vitest';
import { BROKEN, FAULTY, git, makeRepository } from '../support/bisect-repo.js';
import { BIN } from '../support/cli.js';

test('git finds the commit with the fault, though one on the way does not compile', async () => {
  const tree = await makeRepository();
  git(tree, 'bisect', 'start', 'HEAD', 'HEAD~7');
  const out = git(tree, 'bisect', 'run', process.execPath, BIN, '--quiet', 'bisect', 'mtrr/live-variable');

  const found = git(tree, 'log', '-1', '--format=%s', 'refs/bisect/bad');
  const log = git(tree, 'bisect', 'log');
  expect(found).toBe(`commit ${FAULTY}\n`);
  expect(log).toMatch(new RegExp(`^# skip: .* commit ${BROKEN}$`, 'm'));
  expect(log).toMatch(/^# first bad commit: /m);
  expect(out).toContain('FAIL');
});
