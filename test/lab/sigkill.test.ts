import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { buildKernel } from '../../src/lab/index.js';
import { BIN, runCli } from '../support/cli.js';

const KILLS = 3;
const LONGEST_MS = 6_000;
const POLL_MS = 20;

/** A temporary directory of the test's own: what other runs have in theirs is not ours to count. */
const TMPDIR = mkdtempSync(join(tmpdir(), 'sigkill-'));
afterAll(() => rmSync(TMPDIR, { recursive: true }));

/** Temporary files of the program. */
const SCRATCH = join(TMPDIR, `kvm-memtype-${process.geteuid?.()}`);
const leftFiles = (): string[] => (existsSync(SCRATCH) ? readdirSync(SCRATCH) : []);

/** Processes that have one of these directories in their command line. */
function leftProcesses(dirs: readonly string[]): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        return dirs.some((dir) => line.includes(dir));
      } catch {
        return false; // it ended just now
      }
    });
}

/** Wait for files that were not there before: the run has begun. */
async function newFiles(before: ReadonlySet<string>): Promise<string[]> {
  for (;;) {
    const mine = leftFiles().filter((name) => !before.has(name));
    if (mine.length > 0) return mine;
    await sleep(POLL_MS);
  }
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => child.once('close', () => resolve()));

test('a run in the lab that is killed leaves nothing once the next command has started', async () => {
  const { bzImage } = await buildKernel({ source: 'debian:6.1' });
  for (let i = 0; i < KILLS; i++) {
    const before = new Set(leftFiles());
    const child = spawn(process.execPath, [BIN, 'run', '--kernel', bzImage], {
      env: { ...process.env, TMPDIR },
      stdio: 'ignore',
    });
    const end = ended(child);
    const mine = await newFiles(before);
    await sleep(Math.random() * LONGEST_MS);
    child.kill('SIGKILL');
    await end;

    await runCli(['run', 'msr/readback'], { TMPDIR });

    expect(leftFiles().filter((name) => mine.includes(name))).toEqual([]);
    expect(leftProcesses(mine)).toEqual([]);
  }
});
