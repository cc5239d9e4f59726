import { expect, test } from 'vitest';
import { buildKernel } from '../../src/lab/index.js';
import { runCli } from '../support/cli.js';

/** Wide enough for the path of any kernel, so that no line is wrapped. */
const WIDE = { COLUMNS: '1000' };

test('the zaps of a boot on 6.1 are those of the model: so many per processor', async () => {
  const { bzImage } = await buildKernel({ source: 'debian:6.1' });

  const { status, stdout } = await runCli(
    ['zaps', '--kernel', bzImage, '--vcpus', '1,2', '--memory', '4'],
    WIDE,
  );

  const rows = stdout.trimEnd().split('\n').slice(-2);
  expect(status).toBe(0);
  // Columns: vCPUs, MiB, zaps, by the boot CPU, by each other; the time is the machine's own.
  expect(rows.map((row) => row.replace(bzImage, '').trim().split(/ +/).slice(0, 5))).toEqual([
    ['1', '4', '7', '7', '-'],
    ['2', '4', '11', '7', '4'],
  ]);
  for (const row of rows) expect(row).toMatch(/as expected$/);
});

test('a policy that zaps otherwise is told apart, with the ranges', async () => {
  const { bzImage } = await buildKernel({ source: 'debian:6.1' });

  const { status, stdout } = await runCli(
    ['zaps', '--kernel', bzImage, '--policy', 'A+P2', '--vcpus', '2', '--memory', '4'],
    WIDE,
  );

  expect(status).toBe(1);
  expect(stdout).toMatch(/2 vCPUs, 4 MiB: vCPU 1: expected zaps of none; seen \[0x0, 0x10000000000\)/);
});
