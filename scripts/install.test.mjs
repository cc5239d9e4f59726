import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const PROJECT = fileURLToPath(new URL('../', import.meta.url));
const { files } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8'));

let root;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'install-'));
});
afterEach(() => rmSync(root, { recursive: true }));

/** The package as npm unpacks it, its dependencies installed, for a machine that nothing was built for. */
function unpackedPackage() {
  const folder = join(root, 'package');
  for (const file of [
    'package.json',
    ...files.filter((file) => !['dist', 'prebuilds'].includes(file) && !file.startsWith('!')),
  ])
    cpSync(join(PROJECT, file), join(folder, file), { recursive: true });
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** A PATH with everything that this machine has, but for one tool. */
function pathWithout(tool) {
  const folder = join(root, 'bin');
  mkdirSync(folder);
  const found = spawnSync('sh', ['-c', `IFS=:; find -L $PATH -maxdepth 1 -type f 2>/dev/null`], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  for (const file of found.stdout.trim().split('\n')) {
    const name = file.slice(file.lastIndexOf('/') + 1);
    if (name !== tool && !existsSync(join(folder, name))) symlinkSync(file, join(folder, name));
  }
  return folder;
}

/** What node-gyp misses first: it looks for Python before it looks for make, and a bare Debian 12 has neither. */
const HAS_PYTHON = spawnSync('python3', ['--version']).error === undefined;
const FIRST = HAS_PYTHON ? 'not found: make' : 'Could not find any Python installation to use';
const MISSING = HAS_PYTHON ? ['make'] : ['make', 'python3'];

it('npm install without make says so, what to install, and where the whole log is', () => {
  const env = { ...process.env, PATH: pathWithout('make'), XDG_CACHE_HOME: join(root, 'cache') };

  const { status, stderr } = spawnSync('npm', ['run', '--silent', 'install'], {
    cwd: unpackedPackage(),
    env,
    encoding: 'utf8',
  });

  const log = join(root, 'cache/kvm-memtype/log/install.log');
  expect(stderr).toContain(
    `building the addon and the guests failed: ${FIRST}; the whole log is in ${log}\n`,
  );
  expect(stderr).toContain(
    `    The build needs ${MISSING.join(', ')}: on Debian, apt-get install ${MISSING.join(' ')}\n`,
  );
  expect(stderr.trim().split('\n').length).toBeLessThan(10);
  expect(readFileSync(log, 'utf8')).toContain(`gyp ERR! stack Error: ${FIRST}`);
  expect(status).toBe(2);
}, 600_000);
