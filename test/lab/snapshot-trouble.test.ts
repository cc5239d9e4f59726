import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { buildKernel } from '../../src/lab/index.js';
import { BIN, type CliResult, runCli } from '../support/cli.js';
import { type OwnCache, ownCache } from '../support/own-cache.js';

const KILLS = 5;
const PASSED = /^1 passed/m;

let kernel: string;
let cache: OwnCache;

beforeAll(async () => {
  kernel = (await buildKernel({ source: 'debian:6.1' })).bzImage;
});
beforeEach(() => {
  cache = ownCache();
});
afterEach(() => cache.remove());

const args = (): string[] => ['--quiet', 'run', 'msr/readback', '--policy', 'A', '--kernel', kernel];
const env = (): NodeJS.ProcessEnv => ({ XDG_CACHE_HOME: cache.home });
const run = (): Promise<CliResult> => runCli(args(), env());

/** Machines that are saved, and what is there besides. */
const saved = (): string[] => (existsSync(cache.snapshots) ? readdirSync(cache.snapshots) : []);

async function expectRight(o: { warning?: RegExp } = {}): Promise<void> {
  const { status, stdout, stderr } = await run();
  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(PASSED) });
  expect(stderr).toMatch(o.warning ?? /^$/);
}

const flipBit = (path: string, at: number): void => {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] as number) ^ 1;
  writeFileSync(path, bytes);
};

test('a saved machine with a bit that is not as it was is not used, and made anew', async () => {
  await expectRight();
  const [key = ''] = saved();
  flipBit(join(cache.snapshots, key, 'ram'), 40 << 20);

  await expectRight({ warning: /the saved machine cannot be used: its file ram was changed/ });
  expect(saved()).toEqual([key]);
  await expectRight();
});

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => child.once('close', () => resolve()));

/** Run, and kill at some moment of `longest` milliseconds. */
async function killed(longest: number): Promise<void> {
  const child = spawn(process.execPath, [BIN, ...args()], {
    env: { ...process.env, ...env() },
    stdio: 'ignore',
  });
  const end = ended(child);
  await sleep(Math.random() * longest);
  child.kill('SIGKILL');
  await end;
}

test.each(['saving', 'restoring'])('no half machine is used after a kill while %s', async (what) => {
  let started = Date.now();
  await expectRight();
  const [key = ''] = saved();
  if (what === 'restoring') {
    started = Date.now();
    await expectRight();
  }
  const longest = Date.now() - started;
  for (let i = 0; i < KILLS; i++) {
    if (what === 'saving') {
      cache.remove();
      cache = ownCache(cache.home);
    }
    await killed(longest);

    await expectRight();
    expect(saved()).toEqual([key]);
  }
});

test('of two runs at once that want the same machine, both are right, and one is kept', async () => {
  await Promise.all([expectRight(), expectRight()]);
  expect(saved()).toHaveLength(1);
  await Promise.all([expectRight(), expectRight()]);
  expect(saved()).toHaveLength(1);
});

/** Run with the cache on a file system of its own; `also` is done meanwhile. */
function onSmallDisk(size: string, also = 'true'): Promise<CliResult> {
  const links = `for f in "${join(cache.home, 'kvm-memtype')}"/*; do ln -s "$(readlink -f "$f")" /mnt/kvm-memtype/; done`;
  const script = `mount -t tmpfs -o size=${size} none /mnt && mkdir -m 700 /mnt/kvm-memtype && ${links} && { (${also}) >/dev/null 2>&1 & exec "$0" "$@"; }`;
  return new Promise((resolve, reject) => {
    const child = spawn('unshare', ['-m', 'sh', '-c', script, process.execPath, BIN, ...args()], {
      // Where an emulator was built, a machine is saved before anything runs: another try then finds no room, and says that.
      env: { ...process.env, XDG_CACHE_HOME: '/mnt', KVM_MEMTYPE_EMULATOR: 'packaged' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
}

// Each row: how much room there is at first, what takes some of it, and what is said.
test.each<[string, string, string | undefined, RegExp]>([
  ['too small', '100m', undefined, /has no 512 MiB free/],
  [
    'full in the middle',
    '600m',
    'until ls /mnt/kvm-memtype/snapshots/making-*; do sleep 0.1; done; sleep 0.5; head -c 560M /dev/zero > /mnt/fill',
    /the machine is not saved: Bochs did not save it/,
  ],
])('a verdict is right on a disk that is %s', async (_, size, also, warning) => {
  const { status, stdout, stderr } = await onSmallDisk(size, also);

  expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(PASSED) });
  expect(stderr).toMatch(warning);
  expect(stderr.split('\n').filter((line) => /saved/.test(line))).toHaveLength(1);
});
