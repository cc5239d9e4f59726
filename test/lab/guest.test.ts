import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cpioArchive, S_IFCHR, S_IFREG } from '../../src/lab/image/cpio.js';
import { buildKernel, runInLab } from '../../src/lab/index.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ADDON = '/app/build/Release/kvm_memtype.node';
const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-guest-'));
let bzImage: string;

beforeAll(async () => {
  bzImage = (await buildKernel({ source: 'debian:6.1' })).bzImage;
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Process 1 of the inner guest: say how many CPUs there are, drain the port, power off. */
const INIT = `
static long call(long n, long a, long b, long c, long d) {
  long r;
  register long r10 __asm__("r10") = d;
  __asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10) : "rcx", "r11", "memory");
  return r;
}
void _start(void) {
  unsigned long mask[16] = {0};
  char text[] = "userland of the guest: ? CPUs\\n";
  call(204, 0, sizeof(mask), (long)mask, 0);          /* sched_getaffinity */
  for (text[23] = '0'; mask[0]; mask[0] &= mask[0] - 1)
    text[23]++;
  call(1, 1, (long)text, sizeof(text) - 1, 0);        /* write */
  call(16, 1, 0x5409, 1, 0);                          /* ioctl TCSBRK: drain */
  call(169, 0xfee1dead, 0x28121969, 0x4321fedc, 0);   /* reboot, power off */
  for (;;) ;
}
`;

function makeInitrd(): string {
  const init = join(folder, 'init');
  const flags = ['-O1', '-ffreestanding', '-fno-stack-protector', '-mno-sse', '-static', '-nostdlib'];
  const cc = spawnSync('cc', [...flags, '-x', 'c', '-', '-o', init], { input: INIT, encoding: 'utf8' });
  expect(cc.stderr).toBe('');
  const initrd = join(folder, 'initrd');
  const archive = cpioArchive([
    { path: '/init', mode: S_IFREG | 0o755, data: readFileSync(init) },
    { path: '/dev/console', mode: S_IFCHR | 0o600, device: [5, 1] },
  ]);
  writeFileSync(initrd, archive);
  return initrd;
}

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
      { source: makeInitrd(), target: '/guest/initrd' },
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
