import { spawnSync } from 'node:child_process';
import { cpus, release, version } from 'node:os';
import { expect, test } from 'vitest';
import type { RunResult } from '../../src/report/types.js';
import { NEEDS_KVM } from '../require.js';
import { BIN, runCli } from '../support/cli.js';

test(
  'on a host without EPT what needs none passes, and all else is skipped with a reason',
  NEEDS_KVM,
  async () => {
    const { status, stdout } = await runCli(['run', '--format', 'json']);

    const { sets } = JSON.parse(stdout) as RunResult;
    const scenarios = sets[0]?.scenarios ?? [];
    expect(status).toBe(0);
    expect(sets[0]?.engine).toBe('host');
    expect(scenarios.filter((s) => s.status === 'pass').map((s) => s.family)).toContain('msr');
    for (const scenario of scenarios) {
      expect(['pass', 'skip']).toContain(scenario.status);
      if (scenario.status === 'skip') expect(scenario.skip?.reason).toMatch(/\w/);
    }
  },
);

test('a scenario that does not exist is one sentence and status 2', async () => {
  const { status, stdout, stderr } = await runCli(['run', 'no/such']);

  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toBe('kvm-memtype: no scenario is called no/such; --list prints them all\n');
});

test('a policy that does not exist is one sentence and status 2', async () => {
  const { status, stderr } = await runCli(['run', '--policy', 'Z']);

  expect(status).toBe(2);
  expect(stderr).toMatch(/^kvm-memtype: no policy is called 'Z'; there are A-4.4, A, .*\n$/);
});

test('results say what they are of: program, machine and kernel', NEEDS_KVM, async () => {
  const { stdout } = await runCli(['run', 'msr/readback', '--name', 'mine', '--format', 'json']);

  const { tool, host, sets } = JSON.parse(stdout) as RunResult;
  expect(tool.revision).toMatch(/^[0-9a-f]{40}(-dirty)?$/);
  expect(host).toEqual({ cpu: cpus()[0]?.model, release: release(), version: version() });
  expect(sets[0]).toMatchObject({
    name: 'mine',
    release: release(),
    kernel: { params: [] },
    fingerprint: { cpu: cpus()[0]?.model, version: version() },
  });
});

test.each([
  [['--name', 'a', '--name', 'b'], '--name is given 2 times for 1 kernel: give one for each'],
  [
    ['--kernel', 'debian:6.1', '--kernel', 'debian:7.2', '--name', 'a'],
    '--name is given 1 times for 2 kernels: give one for each',
  ],
  [
    ['--kernel', 'debian:6.1', '--kernel', 'debian:7.2', '--name', 'a', '--name', 'a'],
    '--name a is given twice',
  ],
])('%j is one sentence and status 2', async (args, message) => {
  const { status, stdout, stderr } = await runCli(['run', ...args]);

  expect([status, stdout, stderr]).toEqual([2, '', `kvm-memtype: ${message}\n`]);
});

test('--list prints every scenario with its title and runs nothing', async () => {
  const { status, stdout } = await runCli(['run', '--list', 'msr']);

  expect(status).toBe(0);
  expect(stdout.split('\n')[0]).toMatch(/^msr\/\S+ +\S/);
});

/** Each row: what is wrong with /dev/kvm, how to make it so in a mount namespace of our own, what must be said. */
const BAD_DEVICES = [
  ['absent', 'mount -t tmpfs none /dev && mknod /dev/null c 1 3', 'ENOENT, KVM is not available'],
  [
    'forbidden',
    'mount -t tmpfs -o nodev none /mnt && mknod /mnt/kvm c 10 232 && mount --bind /mnt/kvm /dev/kvm',
    'EACCES, no permission',
  ],
  ['not KVM', 'mount --bind /dev/null /dev/kvm', 'ENOTTY, it is not the KVM device'],
] as const;

test.each(BAD_DEVICES)(
  'a /dev/kvm that is %s is one sentence and status 2',
  NEEDS_KVM,
  (_what, prepare, reason) => {
    const script = `${prepare} && exec "$0" "$1" --quiet run`;

    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['-m', 'sh', '-c', script, process.execPath, BIN],
      {
        encoding: 'utf8',
      },
    );

    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^kvm-memtype: opening \/dev\/kvm failed: .*\n$/);
    expect(stderr).toContain(reason);
  },
);
