import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { STEPS } from './steps.mjs';

it.each([
  ['configured elsewhere is not built in: CMake would build that place', '/elsewhere', false],
  ['of this folder is kept', undefined, true],
])('a build directory %s', (_, home, kept) => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'steps-')));
  mkdirSync(join(root, 'build'));
  writeFileSync(join(root, 'build/CMakeCache.txt'), `CMAKE_HOME_DIRECTORY:INTERNAL=${home ?? root}\n`);

  STEPS.find(({ name }) => name === 'native').before?.(root);

  const isThere = existsSync(join(root, 'build'));
  rmSync(root, { recursive: true });
  expect(isThere).toBe(kept);
});
