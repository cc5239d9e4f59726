import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from '../lib/lock.mjs';
import { runStep } from '../lib/run.mjs';
import { ROOT } from '../setup.mjs';

/**
 * Make the package's tarball in a folder that holds no other. One at a time: each puts the addon and the guests in their place anew.
 * @param {string} folder
 * @param {{ here?: boolean }} options `here`: for this machine, whose addon may be too new for others
 * @returns {Promise<string>} its path
 * @throws SetupError
 */
export async function packInto(folder, { here = false } = {}) {
  const prebuild = [join(ROOT, 'scripts/package/prebuild.mjs'), ...(here ? ['--here'] : [])];
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  await withLock(join(ROOT, '.setup/pack.lock'), async () => {
    // Built before: npm would hide what the build says.
    execFileSync(process.execPath, prebuild, { stdio: ['ignore', 2, 2] });
    await runStep('making the package', 'pack', 'npm', args, { cwd: ROOT });
  });
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz')),
  );
}
