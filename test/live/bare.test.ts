import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireOrSkip } from '../require.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MODULE = new URL('../../scripts/bare/namespace.mjs', import.meta.url).href;
const isRoot = process.getuid?.() === 0;

let folder: string;
const inFolder = (name: string): string => join(folder, name);

/** A root with a shell and little more, as the archive of a Debian would be. */
function makeArchive(): void {
  const root = inFolder('small');
  const programs = ['/bin/sh', '/usr/bin/env', '/bin/sleep', '/bin/cp'];
  const libraries = programs.flatMap((program) =>
    [...execFileSync('ldd', [program], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].map(
      ([, path]) => path as string,
    ),
  );
  for (const file of new Set([...programs, ...libraries])) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    copyFileSync(file, join(root, file));
  }
  for (const name of ['proc', 'sys', 'dev/shm', 'dev/pts', 'etc', 'root'])
    mkdirSync(join(root, name), { recursive: true });
  execFileSync('tar', ['-C', root, '-czf', inFolder('small.tar.gz'), '.']);
}

/** Start namespace.sh on that root, from a Node.js process of its own. */
function start(...commands: string[]): ChildProcess {
  const args = ['run', inFolder('root'), inFolder('small.tar.gz'), ROOT, inFolder('reports'), ...commands];
  const program = `import { runNamespaced } from ${JSON.stringify(MODULE)};
    process.exitCode = await runNamespaced(${JSON.stringify(args)}, { ...process.env, ETC: ${JSON.stringify(inFolder('etc'))}, INSIDE_ENV: '' });`;
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function run(...commands: string[]): Promise<{ status: number; stdout: string }> {
  const child = start(...commands);
  let stdout = '';
  child.stdout?.on('data', (data) => {
    stdout += data;
  });
  const [status] = await once(child, 'close');
  return { status, stdout };
}

/** Processes whose command line holds `text`. */
const processes = (text: string): string[] =>
  readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(text);
    } catch {
      return false;
    }
  });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bare-'));
  for (const name of ['root', 'etc']) mkdirSync(inFolder(name));
  makeArchive();
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a bare root', () => {
  it('runs each command in a clone, tells how it ended, and brings reports back', async (context) => {
    requireOrSkip(context, isRoot, 'root');

    const device = existsSync('/dev/kvm') ? 'test -c /dev/kvm' : 'test ! -e /dev/kvm';

    const { status, stdout } = await run('cp -r schema reports', 'exit 3', device);

    expect(stdout).toMatch(/^== bare: cp -r schema reports: passed after \d+ s$/m);
    expect(stdout).toMatch(/^== bare: exit 3: FAILED with status 3 after \d+ s$/m);
    expect(stdout).toContain(`\n== bare: ${device}: passed after`);
    expect(existsSync(inFolder('reports/result-v1.json'))).toBe(true);
    expect(status).toBe(1);
  });

  it.for([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGKILL', null],
  ] as const)('%s leaves no process, no mount and no file', async ([signal, expected], context) => {
    requireOrSkip(context, isRoot, 'root');

    const mark = `${process.pid}.${expected ?? 9}`;
    const child = start(`sleep ${mark}`);
    const closed = once(child, 'close');
    await until(() => processes(`sleep\0${mark}`).length > 0);

    child.kill(signal);
    const [status] = await closed;
    await until(() => processes(mark).length === 0);

    expect(status).toBe(expected);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folder);
    expect(readdirSync(inFolder('root'))).toEqual([]);
  });
});
