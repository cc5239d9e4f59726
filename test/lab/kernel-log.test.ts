import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { buildKernel } from '../../src/lab/index.js';
import type { RunResult } from '../../src/report/types.js';
import { runCli } from '../support/cli.js';

const PATCH = fileURLToPath(new URL('./patches/warn-variable-mtrr-6.1.patch', import.meta.url));

test('a kernel that warns fails the scenarios that make it do so, and no other', async () => {
  const { bzImage } = await buildKernel({ source: 'debian:6.1', patches: [PATCH] });

  const { status, stdout } = await runCli(['run', 'mtrr', '--kernel', bzImage, '--format', 'json']);

  const [set] = (JSON.parse(stdout) as RunResult).sets;
  const failed = set?.scenarios.filter(({ status }) => status === 'fail') ?? [];
  expect(status).toBe(1);
  expect(set?.policy).toMatchObject({ name: 'A', how: 'probed' });
  // These write variable MTRRs while MTRRs are on.
  expect(failed.map(({ name }) => name).sort()).toEqual([
    'd5-base-before-mask',
    'live-variable',
    'restore',
    's6-shrink',
  ]);
  expect(set?.scenarios.filter(({ status }) => status === 'pass').length).toBeGreaterThan(10);
  for (const { what, seen } of failed.flatMap(({ failures }) => failures)) {
    expect(what).toBe('kernel log');
    expect(seen).toMatch(/^WARNING: CPU: \d PID: \d+ at arch\/x86\/kvm\/mtrr\.c:\d+ \S+ \| CPU: /);
  }
});
