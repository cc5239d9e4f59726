import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildKernel, runInLab } from '../../src/lab/index.js';
import { makeInitrd } from '../support/inner-guest.js';
import { bundleLabAgent, LAB_ADDON } from '../support/lab-agent.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-guest-'));
let bzImage: string;

beforeAll(async () => {
  bzImage = (await buildKernel({ source: 'debian:6.1' })).bzImage;
});
afterAll(() => rmSync(folder, { recursive: true }));

test('Linux boots as a guest of our monitor, with two CPUs, to a userland that powers it off', async () => {
  const lines: string[] = [];

  const outcome = await runInLab({
    kernel: bzImage,
    engine: 'bochs',
    program: bundleLabAgent('guest', folder),
    files: [
      { source: join(ROOT, 'build/Release/kvm_memtype.node'), target: LAB_ADDON },
      { source: bzImage, target: '/guest/bzImage' },
      { source: makeInitrd(folder), target: '/guest/initrd' },
    ],
    args: ['/guest/bzImage', '/guest/initrd', 'console=ttyS0 mitigations=off nokaslr tsc=reliable panic=-1'],
    timeoutMs: 600_000,
    onLine: (line) => lines.push(line),
  });

  const said = lines.map((line) => JSON.parse(line) as { line?: string; end?: unknown });
  expect(said.map(({ line }) => line)).toContain('userland of the guest: 2 CPUs');
  expect(said.at(-1)).toEqual({ end: { kind: 'power-off' } });
  expect(outcome).toMatchObject({ kind: 'done', status: 0 });
});
