import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { PROBE_SCENARIOS } from '../../src/check/policy-choice.js';
import { buildKernel, runInLab } from '../../src/lab/index.js';
import { encodeSpec } from '../../src/recording/spec.js';
import type { Scenario } from '../../src/scenario/types.js';
import { bundleLabAgent } from '../support/lab-agent.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BUILD = '/app/build/Release';
const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-warm-up-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fileOf = (name: string, scenarios: readonly Scenario[]): { source: string; target: string } => {
  const source = join(folder, name);
  writeFileSync(source, encodeSpec({ scenarios, device: 'lab' }));
  return { source, target: `/app/${name}` };
};

test.each(['debian:6.1', 'debian:7.2'])(
  'on %s the warm-up before a machine is saved leaves nothing behind',
  async (source) => {
    const { bzImage } = await buildKernel({ source });
    const lines: string[] = [];

    const outcome = await runInLab({
      kernel: bzImage,
      engine: 'bochs',
      program: bundleLabAgent('warm-up', folder),
      files: [
        { source: join(ROOT, 'build/Release/kvm_memtype.node'), target: `${BUILD}/kvm_memtype.node` },
        { source: join(ROOT, 'build/Release/probe.elf'), target: `${BUILD}/probe.elf` },
        fileOf(
          'warm-up.json',
          catalogue.filter(({ name }) => PROBE_SCENARIOS.includes(name)),
        ),
        fileOf('spec.json', []),
      ],
      args: ['/app/warm-up.json', '/app/spec.json'],
      timeoutMs: 300_000,
      onLine: (line) => lines.push(line),
    });

    expect(outcome).toMatchObject({ kind: 'done', status: 0, kernelWarnings: [] });
    const { before, after } = JSON.parse(lines[0] ?? '{}') as Record<'before' | 'after', object>;
    expect(before).toMatchObject({ vms: [], tracing: [] });
    expect(after).toEqual(before);
  },
);
