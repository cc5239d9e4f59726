import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildKernel, runInLab } from '../../src/lab/index.js';
import { makeInitrd } from '../support/inner-guest.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ADDON = '/app/build/Release/kvm_memtype.node';
const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-guest-'));
let bzImage: string;

beforeAll(async () => {
  bzImage = (await buildKernel({ source: 'debian:6.1' })).bzImage;
});
afterAll(() => rmSync(folder, { recursive: true }));

function bundleAgent(): string {
  const outfile = join(folder, 'agent.mjs');
  const require = "import{createRequire as __r}from'node:module';const require=__r(import.meta.url);";
  buildSync({
    entryPoints: [fileURLToPath(new URL('./agents/guest.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    outfile,
    banner: { js: `${require}process.env.KVM_MEMTYPE_ADDON='${ADDON}';` },
  });
  return outfile;
}

test('Linux boots as a guest of our monitor, with two CPUs, to a userland that powers it off', async () => {
  const lines: string[] = [];

  const outcome = await runInLab({
    kernel: bzImage,
    engine: 'bochs',
    program: bundleAgent(),
    files: [
      { source: join(ROOT, 'build/Release/kvm_memtype.node'), target: ADDON },
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
