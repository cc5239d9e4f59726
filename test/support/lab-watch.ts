import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import type { GuestFile } from '../../src/lab/image/initramfs.js';
import { buildKernel, runInLab } from '../../src/lab/index.js';
import { encodeSpec } from '../../src/recording/spec.js';
import { makeInitrd } from './inner-guest.js';
import { hostFiles, toolFiles } from './lab-host.js';

const AGENT = fileURLToPath(new URL('../lab/agents/watch.mjs', import.meta.url));
const PRELOAD = fileURLToPath(new URL('../lab/agents/noncoherent.c', import.meta.url));
const QEMU = '/usr/bin/qemu-system-x86_64';
const FIRMWARE = [
  '/usr/share/seabios/bios-256k.bin',
  '/usr/share/qemu/linuxboot_dma.bin',
  '/usr/share/qemu/kvmvapic.bin',
];

function makePreload(folder: string): string {
  const library = join(folder, 'noncoherent.so');
  const cc = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-o', library, PRELOAD], {
    encoding: 'utf8',
  });
  expect(cc.stderr).toBe('');
  return library;
}

/** What our own machine does in the stage `own`. */
export const OWN = [
  'ram/default',
  'mtrr/variable-uc',
  'cd/s2-stale-reset',
  'dma/s1-attach-detach',
  'dma/close',
];

function makeSpec(folder: string): string {
  const file = join(folder, 'spec');
  const scenarios = catalogue.filter(({ name }) => OWN.includes(name));
  writeFileSync(file, encodeSpec({ scenarios, device: 'lab' }));
  return file;
}

async function qemuFiles(bzImage: string, folder: string): Promise<GuestFile[]> {
  const files = [
    ...(await hostFiles()),
    ...(await toolFiles(QEMU)),
    ...FIRMWARE.map((path) => ({ source: realpathSync(path), target: path })),
    { source: bzImage, target: '/guest/bzImage' },
    { source: makeInitrd(folder), target: '/guest/initrd' },
    { source: makePreload(folder), target: '/guest/noncoherent.so' },
    { source: makeSpec(folder), target: '/guest/spec' },
    ...(await Promise.all(['/bin/sh', '/bin/sleep', '/bin/rmdir'].map(toolFiles))).flat(),
  ];
  return [...new Map(files.map((file) => [file.target, file])).values()];
}

/** Of tracing: what is there. */
interface Left {
  instances: string[];
  probes: string;
}

/** How a command ended, and what it wrote. */
interface Ended {
  status: number | null;
  signal: string | null;
  out: string;
  err: string;
  seconds: number;
}

/** What the agent says of a stage: some tell less. */
export interface Stage extends Ended {
  stage: string;
  serial: string[];
  trace: string;
  /** While a watcher runs that is to be killed. */
  before: Left;
  left: Left;
  guards: string[];
  by: Record<'pid' | 'name', Ended>;
}

/** Run stages of the lab's agent that watches, on a kernel. */
export async function watchStages(
  kernel: string,
  names: readonly string[],
  onStage?: (s: Stage) => void,
): Promise<Map<string, Stage>> {
  const { bzImage } = await buildKernel({ source: kernel });
  const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-watch-'));
  const stages = new Map<string, Stage>();
  const console: string[] = [];
  try {
    const outcome = await runInLab({
      kernel: bzImage,
      engine: 'bochs',
      program: AGENT,
      files: await qemuFiles(bzImage, folder),
      args: names,
      timeoutMs: 900_000,
      onLine: (line) => {
        const stage = JSON.parse(line) as Stage;
        stages.set(stage.stage, stage);
        onStage?.(stage);
      },
      onConsole: (line) => console.push(line),
    });
    expect(outcome, console.slice(-30).join('\n')).toEqual({ kind: 'done', status: 0, kernelWarnings: [] });
  } finally {
    rmSync(folder, { recursive: true });
  }
  return stages;
}
