import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { buildKernel } from '../../src/lab/index.js';
import type { RunResult } from '../../src/report/types.js';
import { runCli } from '../support/cli.js';
import { parseKtap } from '../support/ktap.js';

describe('a run in the lab', () => {
  let image: string;
  beforeAll(async () => {
    image = (await buildKernel({ source: 'debian:6.1' })).bzImage;
  });

  test('a policy that is wrong for the kernel fails, and says where, what and why', async () => {
    const { status, stdout } = await runCli([
      'run',
      'mtrr',
      '--policy',
      'D',
      '--kernel',
      image,
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
    const { status, stdout } = await runCli(['run', 'ram', 'msr', '--kernel', image, '--format', 'ktap']);

    expect(status).toBe(0);
    const [kernel] = parseKtap(stdout);
    expect(kernel?.ok).toBe(true);
    // A scenario of the second tells the policy, so that it runs first.
    expect(kernel?.subtests.map(({ name }) => name)).toEqual(['msr', 'ram']);
  });

  test('a kernel that is not done in time leaves every scenario with a result, and why', async () => {
    const { status, stdout } = await runCli(['run', '--kernel', image, '--timeout', '7', '--format', 'json']);

    const [set] = (JSON.parse(stdout) as RunResult).sets;
    expect(status).toBe(1);
    expect(set?.crashed).toMatchObject({ kind: 'timeout', reason: 'no end after 7 s' });
    expect(set?.scenarios).toHaveLength(catalogue.length);
    const lost = set?.scenarios.filter(({ skip }) => skip?.reason.startsWith('not run: ')) ?? [];
    expect(lost.length).toBeGreaterThan(0);
    expect(lost[0]?.skip?.reason).toBe('not run: the time ran out (timeout: no end after 7 s)');
  });
});
