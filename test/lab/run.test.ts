import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { buildKernel } from '../../src/lab/index.js';
import type { RunResult } from '../../src/report/types.js';
import { runCli } from '../support/cli.js';
import { parseKtap } from '../support/ktap.js';

const KERNELS = [
  ['debian:6.1', 'A'],
  ['debian:7.2', 'E'],
] as const;

describe('the whole catalogue in the lab', () => {
  let images: string[];
  beforeAll(async () => {
    images = [];
    for (const [source] of KERNELS) images.push((await buildKernel({ source })).bzImage);
  });

  test('passes on 6.1 and 7.2, each under the policy that probing finds', async () => {
    const { status, stdout } = await runCli([
      'run',
      ...images.flatMap((i) => ['--kernel', i]),
      '--format',
      'json',
    ]);

    const { sets } = JSON.parse(stdout) as RunResult;
    expect(sets.flatMap((s) => s.scenarios).filter((s) => !['pass', 'skip'].includes(s.status))).toEqual([]);
    expect(status).toBe(0);
    expect(sets.map((s) => [s.policy.name, s.policy.how])).toEqual(
      KERNELS.map(([, policy]) => [policy, 'probed']),
    );
    for (const set of sets) {
      const leaves = set.scenarios.reduce((sum, s) => sum + (s.checks.leaves ?? 0), 0);
      expect(leaves).toBeGreaterThan(100);
      expect(set.scenarios.filter((s) => s.status === 'pass').length).toBeGreaterThanOrEqual(20);
    }
  });

  test('a policy that is wrong for the kernel fails, and says where, what and why', async () => {
    const { status, stdout } = await runCli([
      'run',
      'mtrr',
      '--policy',
      'D',
      '--kernel',
      images[0] as string,
      '--format',
      'json',
    ]);

    const failures = (JSON.parse(stdout) as RunResult).sets[0]?.scenarios.flatMap((s) => s.failures) ?? [];
    expect(status).toBe(1);
    const leaf = failures.find((f) => f.what === 'leaf');
    expect(leaf).toMatchObject({ vcpu: 0, expected: 'WB IPAT=0' });
    expect(leaf?.gfn).toBeTypeOf('number');
    expect(leaf?.seen).toMatch(/^UC IPAT=0/);
    expect(leaf?.sources.length).toBeGreaterThan(0);
    expect(leaf?.rerun).toMatch(/^\.\/kvm-memtype run mtrr\/\S+ --kernel \S+ --policy D$/);
  });

  test('results say which kernel they are of, and are not named by its path', async () => {
    const image = images[0] as string;
    const param = 'kvm.mmio_caching=N';
    const kernels = ['--kernel', image, '--kernel', 'debian:6.1', '--kernel', image];

    const { stdout } = await runCli([
      'run',
      'msr/readback',
      ...kernels,
      '--param',
      param,
      '--format',
      'json',
    ]);

    const sets = (JSON.parse(stdout) as RunResult).sets;
    const release = sets[0]?.release ?? '';
    const sha256 = createHash('sha256').update(readFileSync(image)).digest('hex');
    expect(release).toMatch(/^6\.1\./);
    expect(sets.map(({ name }) => name)).toEqual([
      `${release},${param}`,
      `debian:6.1,${param}`,
      `${release},${param} (2)`,
    ]);
    expect(sets[0]).toMatchObject({
      kernel: { image, sha256, params: [param] },
      fingerprint: {
        version: expect.stringMatching(/^#1 /),
        params: { 'kvm.mmio_caching': 'N', 'kvm_intel.ept': 'Y' },
      },
    });
  });

  test('KTAP output is valid', async () => {
    const { status, stdout } = await runCli([
      'run',
      'ram',
      'msr',
      '--kernel',
      images[0] as string,
      '--format',
      'ktap',
    ]);

    expect(status).toBe(0);
    const [kernel] = parseKtap(stdout);
    expect(kernel?.ok).toBe(true);
    // A scenario of the second tells the policy, so that it runs first.
    expect(kernel?.subtests.map(({ name }) => name)).toEqual(['msr', 'ram']);
  });

  test('a kernel that is not done in time leaves every scenario with a result, and why', async () => {
    const { status, stdout } = await runCli([
      'run',
      '--kernel',
      images[0] as string,
      '--timeout',
      '7',
      '--format',
      'json',
    ]);

    const [set] = (JSON.parse(stdout) as RunResult).sets;
    expect(status).toBe(1);
    expect(set?.crashed).toMatchObject({ kind: 'timeout', reason: 'no end after 7 s' });
    expect(set?.scenarios).toHaveLength(catalogue.length);
    const lost = set?.scenarios.filter(({ skip }) => skip?.reason.startsWith('not run: ')) ?? [];
    expect(lost.length).toBeGreaterThan(0);
    expect(lost[0]?.skip?.reason).toBe('not run: the time ran out (timeout: no end after 7 s)');
  });
});
