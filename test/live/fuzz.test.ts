/** @module-tag kvm */
import { expect, test } from 'vitest';
import { runCli } from '../support/cli.js';

test('on a host without EPT every random scenario is skipped with the reason, and the seed is told', async () => {
  const { status, stdout } = await runCli(['fuzz', '--seed', '5', '--count', '3']);

  expect(status).toBe(4);
  expect(stdout).toMatch(
    /^3 scenarios, 0 passed, 3 skipped, 0 failed; seed 5, policy \S+, \d+ s, 0 s of the machine’s; skipped: .*EPT.*\n$/,
  );
});
