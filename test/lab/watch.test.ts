import { spawnSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { memTypeName } from '../../src/arch/memory-types.js';
import type { GuestFile } from '../../src/lab/image/initramfs.js';
import { buildKernel, runInLab } from '../../src/lab/index.js';
import { decodeLeaf } from '../../src/observe/spte.js';
import { parseVmTrace } from '../../src/observe/vm-events.js';
import type { VmReport } from '../../src/watch/report.js';
import { makeInitrd } from '../support/inner-guest.js';
import { hostFiles, toolFiles } from '../support/lab-host.js';

const AGENT = fileURLToPath(new URL('./agents/watch.mjs', import.meta.url));
const PRELOAD = fileURLToPath(new URL('./agents/noncoherent.c', import.meta.url));
const QEMU = '/usr/bin/qemu-system-x86_64';
const FIRMWARE = [
  '/usr/share/seabios/bios-256k.bin',
  '/usr/share/qemu/linuxboot_dma.bin',
  '/usr/share/qemu/kvmvapic.bin',
];

const folder = mkdtempSync(join(tmpdir(), 'kvm-memtype-watch-'));
afterAll(() => rmSync(folder, { recursive: true }));

function makePreload(): string {
  const library = join(folder, 'noncoherent.so');
  const cc = spawnSync('cc', ['-shared', '-fPIC', '-O1', '-Wall', '-o', library, PRELOAD], {
    encoding: 'utf8',
  });
  expect(cc.stderr).toBe('');
  return library;
}

async function qemuFiles(bzImage: string): Promise<GuestFile[]> {
  const files = [
    ...(await hostFiles()),
    ...(await toolFiles(QEMU)),
    ...FIRMWARE.map((path) => ({ source: realpathSync(path), target: path })),
    { source: bzImage, target: '/guest/bzImage' },
    { source: makeInitrd(folder), target: '/guest/initrd' },
    { source: makePreload(), target: '/guest/noncoherent.so' },
  ];
  return [...new Map(files.map((file) => [file.target, file])).values()];
}

interface Left {
  instances: string[];
  probes: string;
}

/** What the agent says of a stage. */
interface Stage {
  stage: string;
  status: number;
  out: string;
  err: string;
  seconds: number;
  serial: string[];
  trace: string;
  left: Left;
}

/** Run stages of the agent on a kernel. */
async function stagesOf(
  kernel: string,
  names: readonly string[],
  configs: string[] = [],
): Promise<Map<string, Stage>> {
  const { bzImage } = await buildKernel({ source: kernel, configs });
  const stages = new Map<string, Stage>();
  const console: string[] = [];
  const outcome = await runInLab({
    kernel: bzImage,
    engine: 'bochs',
    program: AGENT,
    files: await qemuFiles(bzImage),
    args: names,
    timeoutMs: 900_000,
    onLine: (line) => {
      const stage = JSON.parse(line) as Stage;
      stages.set(stage.stage, stage);
    },
    onConsole: (line) => console.push(line),
  });
  expect(outcome, console.slice(-30).join('\n')).toEqual({ kind: 'done', status: 0, kernelWarnings: [] });
  return stages;
}

/** What `watch --format json` said of the one VM at its end. */
function reportIn({ out }: Stage): VmReport {
  const lines = out
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; vms?: number; lost?: number });
  expect(lines.at(-1)).toEqual({ kind: 'end', vms: 1, lost: 0 });
  return lines.at(-2) as unknown as VmReport;
}

/** The types, with IPAT, of all leaves that were made. */
function typesIn({ trace }: Stage): string[] {
  const types = parseVmTrace(trace.slice(trace.indexOf('\n'))).events.flatMap((event) => {
    const leaf = event.kind === 'change' && !event.smm ? decodeLeaf(event.new, event.level) : undefined;
    return leaf === undefined ? [] : [`${memTypeName(leaf.type)}, IPAT ${leaf.ipat ? 1 : 0}`];
  });
  return [...new Set(types)].sort();
}

/** What holds on every kernel: each leaf, and each zap of the guest's registers and devices, is as the model says. */
async function watchQemu(kernel: string): Promise<{ stage: Stage; report: VmReport }> {
  const stage = (await stagesOf(kernel, ['watched'])).get('watched') as Stage;
  const report = reportIn(stage);

  expect(report).toMatchObject({ fromStart: true, noncoherent: 1, missingZaps: [] });
  expect(report.verdict).toMatchObject({ wrong: 0, untold: 0 });
  expect(report.verdict.right).toBeGreaterThan(500);
  expect(stage).toMatchObject({ status: 0, left: { instances: [], probes: '' } });
  expect(stage.serial.join()).toContain('Power down');
  return { stage, report };
}

test('6.1: the map of a guest of QEMU follows the MTRRs of firmware and Linux, whose writes zap', async () => {
  const { report, stage } = await watchQemu('debian:6.1');

  expect(typesIn(stage)).toEqual(['UC, IPAT 0', 'WB, IPAT 0', 'WB, IPAT 1', 'WP, IPAT 0']);
  // What Linux touched while it had CR0.CD=1 to write its MTRRs.
  expect(report.stale.map(({ erratum }) => erratum)).toEqual(['s2']);
  const [dearest] = report.zaps;
  expect(dearest?.cause).toMatch(/^MSR 0x2ff \(IA32_MTRR_DEF_TYPE\), by vCPU [01]$/);
  expect(dearest?.calls).toBeGreaterThan(1);
  expect(dearest?.us).toBeGreaterThan(0);
});

test('7.2: only IPAT changes', async () => {
  const { report, stage } = await watchQemu('debian:7.2');

  expect(typesIn(stage)).toEqual(['WB, IPAT 0']);
  expect(report.stale).toEqual([]);
  expect(report.zaps.filter(({ calls }) => calls > 0).map(({ cause }) => cause)).not.toContainEqual(
    expect.stringContaining('MTRR'),
  );
});
