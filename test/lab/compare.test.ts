import { expect, test } from 'vitest';
import { runCli } from '../support/cli.js';

test('the end of guest MTRRs is told without a model, between the kernels before and after it', async () => {
  const { status, stdout } = await runCli(['compare', 'debian:6.1', 'debian:6.12', '--scenario', 'mtrr/*'], {
    COLUMNS: '80',
  });
  const text = stdout.replace(/\s+/g, ' ');

  expect(status).toBe(0);
  expect(text).toMatch(/RAM with non-coherent DMA.*: leaf the guest’s MTRR type \(UC, .*\).* -> WB IPAT=0/);
  expect(text).toMatch(/an MTRR write with non-coherent DMA.*: leaf zapped -> stays/);
});

test('a kernel that is run twice does the same twice, and takes as much', async () => {
  const args = ['--scenario', 'ram/*', '--repeat', '5', '--threshold', '50'];
  const { status, stdout } = await runCli(['compare', 'debian:7.2', 'debian:7.2', ...args]);

  expect(status).toBe(0);
  expect(stdout).not.toContain('what changed in them');
  expect(stdout).toMatch(/x1 {2}leaves made, (\d+) -> \1: no difference/);
  expect(stdout).toMatch(/x[\d.]+ {2}time of scenarios, [\d.]+M -> [\d.]+M guest instructions/);
  expect(stdout).toMatch(/zaps of a boot, none on either side/);
});
