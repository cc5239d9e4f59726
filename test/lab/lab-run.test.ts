import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { buildKernel } from '../../src/lab/kernel/build.js';
import { runInLab } from '../../src/lab/machine/lab.js';
import type { LabEngine, LabRun } from '../../src/lab/machine/run.js';

const agent = (name: string): string => fileURLToPath(new URL(`./agents/${name}.mjs`, import.meta.url));

/** Offset in the real-mode kernel header. */
const PAYLOAD_LENGTH = 0x24c;

let kernel: string;
let dir: string;

beforeAll(async () => {
  kernel = (await buildKernel({ source: 'debian:6.1' })).bzImage;
  dir = await mkdtemp(join(tmpdir(), 'lab-test-'));
});

afterAll(() => rm(dir, { recursive: true, force: true }));

function request(program: string, more: Partial<LabRun> = {}): LabRun & { lines: string[] } {
  const lines: string[] = [];
  const onLine = (line: string): void => void lines.push(line);
  return {
    kernel,
    engine: 'bochs',
    program: agent(program),
    files: [],
    args: [],
    timeoutMs: 120_000,
    onLine,
    lines,
    ...more,
  };
}

/** Process ids of emulators that this process started. */
function ownEmulators(): number[] {
  const { stdout } = spawnSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,comm='], {
    encoding: 'utf8',
  });
  return [...stdout.matchAll(/(\d+) bochs/g)].map((match) => Number(match[1]));
}

function killEmulators(): void {
  for (const pid of ownEmulators()) process.kill(pid, 'SIGKILL');
}

const leftovers = (): string[] =>
  readdirSync(join(tmpdir(), `kvm-memtype-${process.geteuid?.()}`)).filter((name) =>
    name.startsWith(`${process.pid}-`),
  );

describe.each<{ source: string; engine: LabEngine }>([
  { source: 'debian:6.1', engine: 'bochs' },
  { source: 'debian:7.2', engine: 'bochs' },
  { source: 'debian:6.1', engine: 'qemu-tcg' },
])('$source on $engine', ({ source, engine }) => {
  it('runs a Node program and reports its output and status', async () => {
    const { bzImage } = await buildKernel({ source });
    const run = request('hello', { kernel: bzImage, engine, args: ['3', 'a b', ''] });
    const outcome = await runInLab(run);
    expect(outcome).toEqual({ kind: 'done', status: 3, kernelWarnings: [] });
    expect(run.lines.map((line) => JSON.parse(line))).toEqual([
      { hello: ['a b', ''], version: process.version },
    ]);
    expect(leftovers()).toEqual([]);
  });
});

describe('a kernel that the host cannot unpack', () => {
  it('boots from a CD, with Node.js in its initramfs', async () => {
    const image = readFileSync(kernel);
    image.writeUInt32LE(0, PAYLOAD_LENGTH); // The kernel's own loader does not read it.
    const packed = join(dir, 'packed');
    writeFileSync(packed, image);
    const run = request('hello', { kernel: packed, args: ['0'] });
    expect(await runInLab(run)).toMatchObject({ kind: 'done', status: 0 });
    expect(run.lines).toHaveLength(1);
  });
});

describe('a lab run that fails', () => {
  it('reports a crash of the kernel', async () => {
    const run = request('panic');
    const outcome = await runInLab(run);
    expect(outcome.kind).toBe('panic');
    expect(outcome).toMatchObject({ reason: expect.stringContaining('sysrq') });
    expect((outcome as { consoleTail: string[] }).consoleTail.join('\n')).toContain(
      'Kernel panic - not syncing',
    );
    expect(run.lines).toEqual(['{"about":"to crash"}']);
  });

  it('reports an agent that never ends as a timeout', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const run = request('endless');
    // The time is over once the agent spins: waiting for it would show no more.
    const outcome = await runInLab({
      ...run,
      onLine: (line) => {
        run.onLine(line);
        vi.advanceTimersByTime(run.timeoutMs);
      },
    });
    expect(outcome).toMatchObject({ kind: 'timeout', reason: 'no end after 120 s' });
    expect(run.lines).toEqual(['{"about":"to spin"}']);
    expect(ownEmulators()).toEqual([]);
  });

  it('reports an emulator that was killed', async () => {
    const run = request('endless', {
      onLine: killEmulators,
    });
    const outcome = await runInLab(run);
    expect(outcome).toMatchObject({ kind: 'emulator-died', reason: expect.stringContaining('SIGKILL') });
  });

  it('reports a kernel that does not run the initramfs', async () => {
    const outcome = await runInLab(request('hello', { params: ['rdinit=/nowhere'] }));
    expect(outcome).toMatchObject({ kind: 'panic', reason: expect.stringContaining('VFS') });
  });

  it('refuses what is not a kernel', async () => {
    const whole = readFileSync(kernel);
    const cases = {
      damaged: Buffer.concat([whole.subarray(0, 0x40000), Buffer.alloc(0x40000), whole.subarray(0x80000)]),
      junk: Buffer.from('not a kernel'),
      short: whole.subarray(0, whole.length >> 1),
    };
    for (const [name, content] of Object.entries(cases)) {
      const file = join(dir, name);
      writeFileSync(file, content);
      await expect(runInLab(request('hello', { kernel: file }))).rejects.toMatchObject({
        code: 'LAB_KERNEL_INVALID',
      });
    }
    await expect(runInLab(request('hello', { kernel: join(dir, 'none') }))).rejects.toMatchObject({
      code: 'LAB_FILE',
    });
  });

  it('stops at once when it is aborted', async () => {
    const stop = new AbortController();
    const run = request('endless', { signal: stop.signal, onConsole: () => stop.abort() });
    await expect(runInLab(run)).rejects.toMatchObject({ code: 'LAB_ABORTED' });
    expect(ownEmulators()).toEqual([]);
    expect(leftovers()).toEqual([]);
  });
});
