import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, expect, test } from 'vitest';
import { buildKernel, runInLab } from '../../src/lab/index.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ADDON = '/app/build/Release/kvm_memtype.node';
const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-test-'));
afterAll(() => rmSync(folder, { recursive: true }));

function bundleAgent(): string {
  const outfile = join(folder, 'killed.mjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('./agents/killed.ts', import.meta.url))],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    banner: {
      js:
        "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);" +
        `process.env.KVM_MEMTYPE_ADDON='${ADDON}';`,
    },
  });
  return outfile;
}

test.each(['debian:6.1', 'debian:7.2'])(
  'on %s what a killed process took of the host is given back by the next one',
  async (source) => {
    const lines: Record<string, unknown>[] = [];

    const outcome = await runInLab({
      kernel: (await buildKernel({ source })).bzImage,
      engine: 'bochs',
      program: bundleAgent(),
      files: [{ source: join(ROOT, 'build/Release/kvm_memtype.node'), target: ADDON }],
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
