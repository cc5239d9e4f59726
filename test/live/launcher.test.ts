import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { VERSION } from '../../src/cli/program/version.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

it('./kvm-memtype is the program, from any folder', async () => {
  const here = await run('./kvm-memtype', ['--version'], { cwd: ROOT });
  const elsewhere = await run(join(ROOT, 'kvm-memtype'), ['--version'], { cwd: tmpdir() });

  expect([here.stdout, elsewhere.stdout]).toEqual([`${VERSION}\n`, `${VERSION}\n`]);
});

it('./kvm-memtype in a fresh clone says what to run first', async () => {
  const clone = await mkdtemp(join(tmpdir(), 'launcher-'));
  await cp(join(ROOT, 'bin'), join(clone, 'bin'), { recursive: true });
  await cp(join(ROOT, 'kvm-memtype'), join(clone, 'kvm-memtype'), { verbatimSymlinks: true });
  await writeFile(join(clone, 'package.json'), '{"type":"module"}');

  const failure = await run('./kvm-memtype', ['run'], { cwd: clone }).catch((error) => error);
  await rm(clone, { recursive: true });

  expect(failure).toMatchObject({
    code: 2,
    stdout: '',
    stderr: 'kvm-memtype: not built yet: run `npm start` in the folder of the package first.\n',
  });
});
