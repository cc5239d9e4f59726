import { expect, test } from 'vitest';
import { NEEDS_KVM } from '../require.js';
import { runCli } from '../support/cli.js';

test(
  'says of this machine what run would check: as many scenarios as run does not skip for a need',
  NEEDS_KVM,
  async () => {
    const [text, json, run] = await Promise.all([
      runCli(['doctor'], { COLUMNS: '80' }),
      runCli(['doctor', '--json']),
      runCli(['run', '--format', 'json']),
    ]);
    const { schema, ok, kvms, lab } = JSON.parse(json.stdout);
    const scenarios = JSON.parse(run.stdout).sets[0].scenarios as { status: string }[];

    expect([schema, ok, typeof lab.usable]).toEqual(['kvm-memtype/doctor', true, 'boolean']);
    expect([text.status, json.status]).toEqual([0, 0]);
    expect(kvms[0].scenarios.skip).toBeLessThanOrEqual(
      scenarios.filter(({ status }) => status === 'skip').length,
    );
    expect(kvms[0].scenarios.run).toBeGreaterThan(0);
    expect(Math.max(...text.stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  },
);

test.each([
  [['doctor', '--engine', 'bochs'], '--engine bochs needs a --kernel to boot'],
  [['doctor', '--vfio', 'x'], 'a PCI address such as 0000:00:02.0 is needed'],
])('%j is refused', async (args, why) => {
  const { status, stdout, stderr } = await runCli(args);

  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain(why);
});
