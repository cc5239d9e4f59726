import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { buildKernel, runInLab } from '../../src/lab/index.js';
import type { ResultSet, RunResult } from '../../src/report/types.js';
import { runCli } from '../support/cli.js';
import { bundleLabAgent, LAB_ADDON } from '../support/lab-agent.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.each(['debian:6.1', 'debian:7.2'])(
  'on %s what a killed process took of the host is given back by the next one',
  async (source) => {
    const lines: Record<string, unknown>[] = [];

    const outcome = await runInLab({
      kernel: (await buildKernel({ source })).bzImage,
      engine: 'bochs',
      program: bundleLabAgent('killed', folder),
      files: [{ source: join(ROOT, 'build/Release/kvm_memtype.node'), target: LAB_ADDON }],
      args: [],
      timeoutMs: 300_000,
      onLine: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
    });

    const untouched = { driver: null, override: '(null)', unsafe: 'N', mdevs: 0, journals: 0 };
    const taken = { driver: 'vfio-pci', override: 'vfio-pci', unsafe: 'Y', mdevs: 2, journals: 1 };
    expect(outcome).toEqual({ kind: 'done', status: 0, kernelWarnings: [] });
    expect(lines).toEqual([
      { stage: 'before', ...untouched },
      { stage: 'killed', ...taken, signal: 'SIGKILL' },
      { stage: 'swept', ...untouched, problems: [] },
      { stage: 'taken', ...taken },
      { stage: 'given back', ...untouched },
    ]);
  },
);

const patch = (name: string): string => join(ROOT, 'kernels/patches', name);

async function runOn(kernel: string, ...args: string[]): Promise<ResultSet> {
  const { stdout } = await runCli(['run', '--kernel', kernel, '--format', 'json', ...args]);
  return (JSON.parse(stdout) as RunResult).sets[0] as ResultSet;
}

const statuses = ({ scenarios }: ResultSet): Record<string, string> =>
  Object.fromEntries(scenarios.map(({ family, name, status }) => [`${family}/${name}`, status]));

test('QEMU’s IOMMU gives a VFIO group of real type, and a device file', async () => {
  const { bzImage } = await buildKernel({ source: 'debian:7.2' });

  const found = statuses(await runOn(bzImage, 'dma', '--engine', 'qemu-tcg'));

  expect(Object.values(found)).not.toContain('fail');
  expect(found).toMatchObject({
    'dma/vfio-type1': 'pass',
    'dma/vfio-cdev': 'pass',
    'dma/vfio-noiommu': 'skip',
  });
});

test('every virtio scenario passes on the proposed device, and is skipped with its reason without', async () => {
  const plain = await buildKernel({ source: 'debian:7.2' });
  const patched = await buildKernel({
    source: 'debian:7.2',
    patches: [patch('p5-virtio-device-7.2.patch'), patch('p5-memslot-flag-7.2.patch')],
  });

  const on = await runOn(patched.bzImage, 'virtio/*', 'memslot/*', 'dma/*-and-virtio');
  const off = await runOn(plain.bzImage, 'virtio/*');

  const absent = ['virtio/absent', 'memslot/absent'];
  expect(on.policy).toMatchObject({ name: 'E+P5', how: 'probed' });
  for (const [name, status] of Object.entries(statuses(on)))
    expect([name, status]).toEqual([name, absent.includes(name) ? 'skip' : 'pass']);
  for (const { name, status, skip } of off.scenarios) {
    if (name === 'absent') expect(status).toBe('pass');
    else expect([name, skip?.reason]).toEqual([name, 'this kernel has no KVM_DEV_TYPE_VIRTIO']);
  }
});
