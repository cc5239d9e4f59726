import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { buildKernel } from '../../src/lab/index.js';
import { BIN } from '../support/cli.js';

test('a session answers each line for its kernel, goes on after a wrong one, and ends with the highest status', async () => {
  const { bzImage } = await buildKernel({ source: 'debian:6.1' });
  const lines = [
    'run msr/readback',
    '',
    'explain --policy 6.1 --gpa 0x1000',
    'rub msr',
    "run 'msr",
    'run msr/init',
  ];

  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [BIN, '--quiet', 'lab', '--kernel', bzImage],
    { input: lines.join('\n'), encoding: 'utf8' },
  );

  expect(stdout).toMatch(/^.*: Linux 6\.1\.\d+, ept\n/);
  expect(stdout.match(/\b1 passed/g)).toHaveLength(2);
  expect(stderr).toMatch(/unknown command 'rub'.*\n.*a quote is not closed: 'msr\n$/);
  expect(status).toBe(2);
});
