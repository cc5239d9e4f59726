import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { catalogue } from '../../src/catalogue/index.js';
import { buildKernel, keepMachines } from '../../src/lab/index.js';
import { BIN } from '../support/cli.js';
import { comparable, type LabRecordings, recordInLab, USUAL, withoutLog } from '../support/lab-recordings.js';

const POLL_MS = 20;
const FEW = catalogue.filter(({ name }) => name.startsWith('pat/'));
/** So many jobs the catalogue is cut into. */
const JOBS = 4;

/** A temporary directory of the test's own: machines have theirs below it. */
const TMPDIR = mkdtempSync(join(tmpdir(), 'waiting-'));
const SCRATCH = join(TMPDIR, `kvm-memtype-${process.geteuid?.()}`);
const left = (): string[] => (existsSync(SCRATCH) ? readdirSync(SCRATCH) : []);
const usual = process.env.TMPDIR;
let kernel: string;

beforeAll(async () => {
  kernel = (await buildKernel({ source: 'debian:6.1' })).bzImage;
  process.env.TMPDIR = TMPDIR;
  await few(); // A machine that is restored waits, not one that is saved on its way.
});
afterAll(() => {
  if (usual === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = usual;
  rmSync(TMPDIR, { recursive: true });
});

/** Emulators that run in a machine's directory of this test, and whether each stands still. */
function emulators(): { pid: number; stands: boolean }[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        if (!readlinkSync(`/proc/${pid}/cwd`).startsWith(SCRATCH)) return [];
        const [, state = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ');
        return [{ pid: Number(pid), stands: state.startsWith('T') }];
      } catch {
        return []; // It ended just now.
      }
    });
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(POLL_MS);
}

/** One machine is there, and stands still, or will in a moment: a signal takes its time. */
async function oneStands(): Promise<void> {
  await until(() => emulators().length !== 1 || emulators().every(({ stands }) => stands));
  expect(emulators()).toEqual([{ pid: expect.any(Number), stands: true }]);
}

const few = (): Promise<LabRecordings> => recordInLab(kernel, { snapshot: true, scenarios: FEW });

test('what a machine records job by job is what one records that has one job, and it is gone when nobody keeps it', async () => {
  const whole = await recordInLab(kernel, { snapshot: true });
  const parts: LabRecordings[] = [];
  {
    await using _ = keepMachines();
    for (let i = 0; i < JOBS; i++) {
      const scenarios = USUAL.filter((_, at) => Math.floor((at * JOBS) / USUAL.length) === i);
      parts.push(await recordInLab(kernel, { snapshot: true, scenarios }));
    }
    await oneStands();
  }

  expect(parts.flatMap(({ problems }) => problems)).toEqual([]);
  const recordings = parts.flatMap((part) => part.recordings);
  expect(recordings.map(withoutLog).map(comparable)).toEqual(
    whole.recordings.map(withoutLog).map(comparable),
  );
  expect([emulators(), left()]).toEqual([[], []]);
});

test('a machine that dies while it waits costs nothing', async () => {
  await using _ = keepMachines();
  await few();
  const [first] = emulators();
  process.kill(first?.pid as number, 'SIGKILL');
  await until(() => emulators().length === 0);

  const after = await few();

  expect(after.recordings).toHaveLength(FEW.length);
  expect(after.problems).toEqual([]);
  await oneStands();
});

test('a machine that dies in its second job is one that died, and the next job has another', async () => {
  await using _ = keepMachines();
  await few();
  const [first] = emulators();
  const onRecording = (): void => void process.kill(first?.pid as number, 'SIGKILL');

  const second = recordInLab(kernel, { snapshot: true, onRecording });

  // Half a line is the last thing that it says, if it was saying something.
  await expect(second).rejects.toThrow(/'emulator-died'|not JSON/);
  expect((await few()).recordings).toHaveLength(FEW.length);
});

test('a session that is killed leaves no machine that waits', async () => {
  const session = spawn(process.execPath, [BIN, '--quiet', 'lab', '--kernel', kernel], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  session.stdin.write('run pat/* --policy A\n');
  let said = '';
  session.stdout.on('data', (text) => {
    said += text;
  });
  const isReady = (): boolean => said.includes('passed') && emulators().some(({ stands }) => stands);
  await until(() => session.exitCode !== null || isReady());
  expect(session.exitCode).toBeNull();

  session.kill('SIGKILL');
  await once(session, 'close');

  await until(() => emulators().length === 0);
  await few(); // sweeps what it left
  expect(left()).toEqual([]);
});
