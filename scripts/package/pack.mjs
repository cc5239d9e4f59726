import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runStep } from '../lib/run.mjs';
import { ROOT } from '../setup.mjs';

/**
 * Make the package's tarball in a folder that holds no other.
 * @param {string} folder
 * @returns {Promise<string>} its path
 * @throws SetupError
 */
export async function packInto(folder) {
  // Built before: npm would hide what the build says.
  execFileSync(process.execPath, [join(ROOT, 'scripts/package/prebuild.mjs')], { stdio: 'inherit' });
  const args = ['pack', '--silent', '--ignore-scripts', '--pack-destination', folder];
  await runStep('making the package', 'pack', 'npm', args, { cwd: ROOT });
  return join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz')),
  );
}
