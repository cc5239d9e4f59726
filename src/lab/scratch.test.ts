import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { asNobody } from '../../test/support/nobody.js';
import { ownProcessId } from '../process/owner.js';
import { makeScratch, sweepScratch } from './scratch.js';

const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;
const uid = process.geteuid?.();
/** No process has such an id: it is above the kernel's limit of 2^22. */
const DEAD = ownProcessId().replace(/^\d+/, '999999999');

let folder: string;
let tmp: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'scratch-test-'));
  chmodSync(folder, 0o755);
  tmp = join(folder, 'tmp');
  mkdirSync(tmp);
  chmodSync(tmp, 0o1777);
  vi.stubEnv('TMPDIR', tmp);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** A directory with a file, as a run that was killed leaves it. */
function leave(dir: string, owner?: number): string {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  writeFileSync(join(dir, 'file'), 'x');
  if (owner !== undefined) for (const path of [dir, join(dir, 'file')]) chownSync(path, owner, owner);
  return dir;
}

/** Put a link in the place of root's directory, and back. */
const SWAPS = [
  ['kvm-memtype-0', 'aside'],
  ['link', 'kvm-memtype-0'],
  ['kvm-memtype-0', 'link'],
  ['aside', 'kvm-memtype-0'],
];

it('makes a directory that nobody else can look into', () => {
  const dir = makeScratch();

  expect(dirname(dir)).toBe(join(tmp, `kvm-memtype-${uid}`));
  for (const path of [dir, dirname(dir)]) expect(statSync(path)).toMatchObject({ uid, mode: 0o40700 });
});

it('sweeps what a dead run left, and nothing of one that lives', () => {
  const living = makeScratch();
  const dead = leave(join(dirname(living), `${DEAD}.0`));
  const other = leave(join(dirname(living), 'other'));

  sweepScratch();

  expect([living, dead, other].map((dir) => existsSync(dir))).toEqual([true, false, true]);
});

it('sweeps a link without following it', () => {
  const victim = leave(join(folder, 'victim'));
  const link = join(dirname(makeScratch()), `${DEAD}.0`);
  symlinkSync(victim, link);

  sweepScratch();

  expect(readdirSync(victim)).toEqual(['file']);
  expect(lstatSync(link, { throwIfNoEntry: false })).toBeUndefined();
});

it('neither uses nor sweeps what a link leads to, or what others can write to', () => {
  const usual = join(tmp, `kvm-memtype-${uid}`);
  const victim = join(folder, 'victim');
  const inside = leave(join(victim, `${DEAD}.0`));
  symlinkSync(victim, usual);
  expect(dirname(makeScratch())).not.toBe(usual);
  sweepScratch();
  rmSync(usual);
  mkdirSync(usual);
  chmodSync(usual, 0o777);
  const open = leave(join(usual, `${DEAD}.0`));

  const dir = makeScratch();
  sweepScratch();

  expect(existsSync(inside)).toBe(true);
  expect(existsSync(open)).toBe(true);
  expect(dirname(dir)).not.toBe(usual);
  expect(statSync(dirname(dir)).mode).toBe(0o40700);
});

it('uses the same directory again where another has the usual name', () => {
  symlinkSync('/', join(tmp, `kvm-memtype-${uid}`));

  expect(dirname(makeScratch())).toBe(dirname(makeScratch()));
});

it.each([
  ['none', () => rmSync(tmp, { recursive: true }), 'does not exist: set TMPDIR to one that does'],
  [
    'a file',
    () => {
      rmSync(tmp, { recursive: true });
      writeFileSync(tmp, '');
    },
    'is not a directory: set TMPDIR to one',
  ],
  ['one without a sticky bit', () => chmodSync(tmp, 0o777), 'lets everybody rename what is in it'],
])('refuses a temporary directory that is %s, and sweeps nothing', (_, spoil, reason) => {
  spoil();

  expect(() => makeScratch()).toThrow(`the temporary directory ${tmp} ${reason}`);
  expect(() => sweepScratch()).not.toThrow();
});

describe.runIf(isRoot)('with another user', () => {
  it('leaves what is theirs', () => {
    const theirs = [
      leave(join(tmp, `kvm-memtype-lab-${DEAD}.0`), NOBODY),
      leave(join(tmp, `kvm-memtype-lab-999999999-1-x`), NOBODY),
      leave(join(tmp, `kvm-memtype-${NOBODY}`, `${DEAD}.0`), NOBODY),
    ];
    mkdirSync(join(tmp, 'kvm-memtype-0'));
    chownSync(join(tmp, 'kvm-memtype-0'), NOBODY, NOBODY);
    theirs.push(leave(join(tmp, 'kvm-memtype-0', `${DEAD}.0`), NOBODY));

    sweepScratch();

    expect(theirs.filter((dir) => !existsSync(dir))).toEqual([]);
    expect(statSync(dirname(makeScratch())).uid).toBe(0);
  });

  it('does not stop them', () => {
    leave(join(dirname(makeScratch()), `${DEAD}.0`));

    const uid = asNobody(`
        import { statSync } from 'node:fs';
        import { makeScratch, sweepScratch } from './src/lab/scratch.js';
        sweepScratch();
        tell(statSync(makeScratch()).uid);
      `);

    expect(uid).toBe(NOBODY);
  });

  it('removes nothing through names that they swap all the time', async () => {
    // Without the sticky bit they may rename root's directory as well.
    chmodSync(tmp, 0o777);
    const victim = join(folder, 'victim');
    leave(join(victim, `${DEAD}.0`));
    leave(join(tmp, 'kvm-memtype-0', `${DEAD}.0`));
    const script = `
      const { renameSync, symlinkSync } = require('fs');
      process.chdir(process.argv[1]);
      symlinkSync(process.argv[2], 'link');
      process.stdout.write('go');
      for (;;) for (const [from, to] of ${JSON.stringify(SWAPS)}) {
        renameSync(from, to);
        const until = performance.now() + (to === 'kvm-memtype-0' ? Math.random() / 4 : 0);
        while (performance.now() < until);
      }`;
    const swapper = spawn('setpriv', [
      ...['--pdeathsig', 'KILL', '--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'],
      ...[process.execPath, '-e', script, tmp, victim],
    ]);
    await once(swapper.stdout, 'data');

    for (let i = 0; i < 5000; i++) sweepScratch();
    swapper.kill('SIGKILL');
    await once(swapper, 'close');

    expect(existsSync(join(victim, `${DEAD}.0`, 'file'))).toBe(true);
  });

  /** PROC_PID_INIT_INO, include/linux/proc_ns.h */
  const isFirstNamespace = (): boolean => readlinkSync('/proc/self/ns/pid') === 'pid:[4026531836]';

  it('leaves what a run in another PID namespace uses, until that is gone', async () => {
    const parent = dirname(makeScratch());
    const script = `
      const { mkdirSync, readFileSync, readlinkSync } = require('fs');
      const start = readFileSync('/proc/self/stat', 'utf8').split(') ')[1].split(' ')[19];
      const namespace = readlinkSync('/proc/self/ns/pid').match(/\\d+/)[0];
      mkdirSync(process.argv[1] + '/' + [process.pid, start, namespace].join('-') + '.999');
      console.log('made');
      process.stdin.resume();`;
    const container = spawn('unshare', [
      ...['--pid', '--fork', '--mount-proc', '--kill-child', process.execPath, '-e', script, parent],
    ]);
    const ended = once(container, 'close');
    await once(container.stdout, 'data');
    const theirs = (): string[] => readdirSync(parent).filter((name) => name.endsWith('.999'));

    sweepScratch();
    const whileItRuns = theirs();
    container.stdin.end();
    await ended;
    sweepScratch();

    expect(whileItRuns).toEqual([expect.stringMatching(/^1-/)]);
    // Out of the first namespace all processes are seen; out of another one, nobody knows that it is gone.
    expect(theirs()).toEqual(isFirstNamespace() ? [] : whileItRuns);
  });
});
